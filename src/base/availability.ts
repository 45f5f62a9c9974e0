/**
 * Whether calls should go to a connected backend; apart from connectivity, which says whether they can.
 * - `suspect`: it left a call or a PING unanswered, and is passed over while another connected backend is `usable`;
 * - `unhealthy`: it says so itself, or has not said that it serves (`healthCheck`);
 * - `ejected`: its calls failed, and those of others did not (`outlierDetection`).
 */
export type Availability = "usable" | "suspect" | "unhealthy" | "ejected";
