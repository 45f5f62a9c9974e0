/** How long a backend has not been used like any other. In clock time. */
export interface LeftOutFacts {
  readonly sinceMs: number;
  /** When an ejection is over; undefined where something else ends it: an answer, or its word. */
  readonly untilMs: number | undefined;
  /** Ejections in short order, with this one. 0: it is not ejected, but a suspect or unhealthy. */
  readonly ejections: number;
}
