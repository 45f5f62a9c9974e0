/** What values taken at equal intervals do: their line of least squares, from its first point to its last. */
export function growthOf(values: readonly number[]): { readonly from: number; readonly to: number } {
  const count = values.length;
  const meanX = (count - 1) / 2;
  const meanY = values.reduce((sum, value) => sum + value, 0) / count;
  let above = 0;
  let below = 0;
  for (const [x, value] of values.entries()) {
    above += (x - meanX) * (value - meanY);
    below += (x - meanX) ** 2;
  }
  const slope = below === 0 ? 0 : above / below;
  return { from: meanY - slope * meanX, to: meanY + slope * meanX };
}
