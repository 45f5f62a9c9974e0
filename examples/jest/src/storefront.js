const { Code, ConnectError } = require("@connectrpc/connect");

/** The code that is tested: it calls, and does without an answer where there is nobody to give one. */
async function welcome(greeter, name) {
  try {
    const { greeting } = await greeter.greet({ name }, { timeoutMs: 2_000 });
    return greeting;
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unavailable) return "welcome";
    throw error;
  }
}

module.exports = { welcome };
