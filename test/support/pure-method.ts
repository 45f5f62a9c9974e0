import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";

/** UnaryIdempotent, if its proto declared it free of side effects: of what is only idempotent Connect makes no GET. */
export const pureMethod = {
  ...EchoService.method.unaryIdempotent,
  idempotency: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
};
