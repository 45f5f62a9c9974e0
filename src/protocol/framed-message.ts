/** A message as it travels in a body: in one piece or, where it is large, as a {@link PrefixedMessage}. */
export type FramedMessage = Uint8Array | PrefixedMessage;

/**
 * A message that is not copied behind its prefix: both leave one after the other. A large one would otherwise be in
 * memory twice, for as long as another attempt may need it.
 */
export class PrefixedMessage {
  readonly prefix: Uint8Array;
  readonly message: Uint8Array;

  constructor(prefix: Uint8Array, message: Uint8Array) {
    this.prefix = prefix;
    this.message = message;
  }

  /** Of both, in bytes: as an array has it. */
  get length(): number {
    return this.prefix.length + this.message.length;
  }
}

/** What takes the bytes of a body, as streams do. */
interface BodyWriter {
  write(bytes: Uint8Array): boolean;
  end(bytes?: Uint8Array): void;
}

/** Returns false when the writer has no more room for now. */
export function writeMessage(writer: BodyWriter, framed: FramedMessage): boolean {
  if (!(framed instanceof PrefixedMessage)) return writer.write(framed);
  writer.write(framed.prefix);
  return writer.write(framed.message);
}

/** The last message, or none. */
export function endWithMessage(writer: BodyWriter, framed: FramedMessage | undefined): void {
  if (!(framed instanceof PrefixedMessage)) {
    writer.end(framed);
    return;
  }
  writer.write(framed.prefix);
  writer.end(framed.message);
}

/** Several messages in one piece. */
export function joinMessages(messages: readonly FramedMessage[]): Uint8Array {
  return Buffer.concat(
    messages.flatMap((framed) => (framed instanceof PrefixedMessage ? [framed.prefix, framed.message] : [framed])),
  );
}
