export const GREETER = Symbol("Greeter");
export const GREETER_TRANSPORT = Symbol("GreeterTransport");
