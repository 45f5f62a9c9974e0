export { type EventOf, type EventRecording, recordEvents } from "./event-recording.ts";
export { type ManualResolver, manualResolver } from "./manual-resolver.ts";
export { expectQuiet } from "./quiet.ts";
