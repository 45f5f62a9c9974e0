export type { AdminPageOptions } from "./admin-options.ts";
export { type AdminPage, adminPage } from "./admin-page.ts";
export { channelz } from "./channelz/channelz.ts";
export type { NodeRequest, NodeResponse } from "./http/node-form.ts";
export type { WatchedTransport } from "./transports.ts";
