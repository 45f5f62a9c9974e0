/**
 * Whether calls should go to a connected backend; apart from connectivity, which says whether they can. A `suspect` left a
 * call or a PING unanswered, and is passed over while another connected backend is `usable`.
 */
export type Availability = "usable" | "suspect";
