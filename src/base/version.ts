/** The version of this package, as package.json has it: a test holds the two together. */
export const version = "0.1.0";

/** What is sent where the caller has no user agent of its own. */
export const userAgent: string = `glink/${version}`;
