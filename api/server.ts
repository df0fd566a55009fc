import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from '../platform/logger.js';

/** A head of more is refused by Node itself with 431. Bytes. */
const maxHeaderBytes = 16_384;

const rawProblems: Readonly<
  Record<string, { readonly status: string; readonly code: string; readonly title: string }>
> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    code: 'headers_too_large',
    title: 'The headers are too large',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    code: 'request_timeout',
    title: 'The request took too long to arrive',
  },
};
const malformed = { status: '400 Bad Request', code: 'invalid_header', title: 'The request is not valid HTTP' };

export interface HttpServer {
  readonly server: Server;
  /** The port it listens on; 0 was asked for in tests. */
  readonly port: number;
  /** Stops accepting, lets what is under way end for `drainMs`, then closes what is left. */
  close(drainMs: number): Promise<void>;
}

/** A strict HTTP server: limits on time and size, and a problem even for what never becomes a request (reliability.md E6, E7). */
export async function listenOn(
  handler: (...request: Parameters<RequestListener>) => Promise<void>,
  options: { readonly host: string; readonly port: number; readonly logger: Logger },
): Promise<HttpServer> {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000, // longer than a balancer's 60 s: it must not meet a connection we are closing
      insecureHTTPParser: false,
      requireHostHeader: true,
    },
    (request, response) => {
      // Koa's own callback settles whatever happens inside; only a bug of ours in the innermost handler could end here.
      handler(request, response).catch((error: unknown) => {
        options.logger.error({ err: error }, 'request failed outside of the application');
        response.destroy();
      });
    },
  );
  server.maxHeadersCount = 0; // counted by the app, which answers 431 instead of dropping some
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => answerRaw(error, socket, options.logger));
  server.on('connect', (_request, socket: Socket) =>
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async close(drainMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function answerRaw(error: NodeJS.ErrnoException, socket: Socket, logger: Logger): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = rawProblems[error.code ?? ''] ?? malformed;
  const body = JSON.stringify({
    type: `/problems/${problem.code}`,
    title: problem.title,
    status: Number(problem.status.slice(0, 3)),
    code: problem.code,
  });
  logger.info({ code: problem.code }, 'request not readable');
  socket.end(
    `HTTP/1.1 ${problem.status}\r\nContent-Type: application/problem+json; charset=utf-8\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
