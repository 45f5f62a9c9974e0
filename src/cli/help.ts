/** What `glink --help` prints. It fits 80 columns. */
export const helpText = `Usage: glink check URL [options]   Is each address behind that name well?
       glink watch URL [options]   A live table of a pool of its own.
       glink watch --admin PAGE    That of a program which mounts glink/admin.

URL is http://host:port for a server without TLS, https://host:port with TLS.
check dials each address as glink does: TCP, TLS, HTTP/2 SETTINGS, three PINGs,
and gRPC's health check. It says what is wrong and what to do.

  --timeout TIME         for each step: 500ms, 5s (default), 2m
  --protocol NAME        grpc (default), grpc-web or connect
  --ca FILE              authorities to trust, PEM, in place of Node's own
  --cert FILE --key FILE the client's certificate and its key, PEM
  --servername NAME      the name that the server's certificate has to have
  --service NAME         check: the service whose health is asked for
  --interval TIME        watch: between two looks, 1s by default
  --json                 for programs: one object (check), one a line (watch)
  --help, --version

Exit codes of check: 0 good, 1 usage, 2 the name was not resolved, 3 some
addresses are bad, 4 all are bad, 5 not SERVING. docs/cli.md has the details.
Colours are left out where NO_COLOR is set, and in pipes.
`;
