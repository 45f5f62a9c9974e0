/** Why a connection was taken out of service while calls may still be open on it. */
export type RetireReason = "removed" | "max-age" | "goaway" | "replaced" | "closing";
