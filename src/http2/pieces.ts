/** Pieces that are looked at together. */
const groupPieces = 64;

/** Below this, on average, a group is joined. */
const smallPieceBytes = 1_024;

/**
 * Adds a piece of data to those that wait to be joined or read. Small ones are joined now: a view of a few bytes costs
 * twenty times what it carries, and holds the whole chunk that it lies in, so that a peer which cuts its data small would
 * take far more memory than any limit on bytes allows.
 */
export function keepPiece(pieces: Uint8Array[], piece: Uint8Array): void {
  pieces.push(piece);
  if (pieces.length % groupPieces !== 0) return;
  let bytes = 0;
  for (let i = pieces.length - groupPieces; i < pieces.length; i++) bytes += (pieces[i] as Uint8Array).length;
  if (bytes < groupPieces * smallPieceBytes) pieces.push(Buffer.concat(pieces.splice(-groupPieces), bytes));
}
