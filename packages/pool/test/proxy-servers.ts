// Proxies to go through: HTTP CONNECT and SOCKS5, as far as a client needs them, and what each was asked for.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tcpServer } from './tls-servers.ts';
import type { TestServer } from './tls-servers.ts';

export interface ProxyServer {
  readonly server: TestServer;
  /** `host:port` as the client named it. */
  readonly asked: string[];
  /** What a client said of itself. */
  readonly credentials: string[];
}

interface ProxyScript {
  /** Where every tunnel leads, whatever it was asked for; null: nowhere. */
  readonly gatewayPort: number | null;
  readonly username?: string;
  readonly password?: string;
  /** Answers octet by octet. */
  readonly isSlow?: boolean;
}

export async function httpProxy(script: ProxyScript): Promise<ProxyServer> {
  const asked: string[] = [];
  const credentials: string[] = [];
  const server = await tcpServer((socket) => {
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      const [line, ...fields] = head.split('\r\n');
      asked.push(/^CONNECT (\S+) HTTP\/1\.1$/.exec(line)?.[1] ?? line);
      const basic = fields.map((field) => /^Proxy-Authorization: Basic (\S+)$/i.exec(field)?.[1]).find(Boolean);
      if (basic !== undefined) credentials.push(Buffer.from(basic, 'base64').toString());
      const wanted = script.username === undefined ? undefined : `${script.username}:${script.password}`;
      if (wanted !== undefined && credentials.at(-1) !== wanted) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n');
      } else if (script.gatewayPort === null) {
        socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
      } else {
        relay(socket, script.gatewayPort, 'HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n', script.isSlow);
      }
    };
    socket.on('data', onData);
  });
  return { server, asked, credentials };
}

export async function socksProxy(script: ProxyScript & { readonly refusal?: number }): Promise<ProxyServer> {
  const asked: string[] = [];
  const credentials: string[] = [];
  const server = await tcpServer((socket) => {
    const wantsPassword = script.username !== undefined;
    let stage: 'greeting' | 'password' | 'request' = 'greeting';
    let bytes = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (stage === 'greeting' && bytes.length >= 2 && bytes.length >= 2 + bytes[1]) {
        const methods = [...bytes.subarray(2, 2 + bytes[1])];
        bytes = bytes.subarray(2 + bytes[1]);
        const method = wantsPassword ? 2 : 0;
        stage = wantsPassword ? 'password' : 'request';
        if (!methods.includes(method)) return void socket.end(Buffer.from([5, 0xff]));
        socket.write(Buffer.from([5, method]));
      }
      if (stage === 'password' && bytes.length >= 3) {
        const name = bytes.toString('utf8', 2, 2 + bytes[1]);
        const at = 2 + bytes[1];
        const password = bytes.toString('utf8', at + 1, at + 1 + bytes[at]);
        bytes = bytes.subarray(at + 1 + bytes[at]);
        credentials.push(`${name}:${password}`);
        if (name !== script.username || password !== script.password) return void socket.end(Buffer.from([1, 1]));
        socket.write(Buffer.from([1, 0]));
        stage = 'request';
      }
      if (stage !== 'request' || bytes.length < 10) return;
      socket.off('data', onData);
      asked.push(destinationOf(bytes));
      const refusal = script.refusal ?? (script.gatewayPort === null ? 5 : 0);
      const reply = Buffer.from([5, refusal, 0, 1, 127, 0, 0, 1, 0, 80]);
      if (refusal !== 0 || script.gatewayPort === null) socket.end(reply);
      else relay(socket, script.gatewayPort, reply, script.isSlow);
    };
    socket.on('data', onData);
  });
  return { server, asked, credentials };
}

function destinationOf(bytes: Buffer): string {
  const port = bytes.readUInt16BE(bytes.length - 2);
  switch (bytes[3]) {
    case 1:
      return `${[...bytes.subarray(4, 8)].join('.')}:${port}`;
    case 3:
      return `${bytes.toString('latin1', 5, 5 + bytes[4])}:${port}`;
    default:
      return `[${bytes.toString('hex', 4, 20)}]:${port}`;
  }
}

function relay(client: Socket, port: number, reply: string | Buffer, isSlow = false): void {
  const gateway = connect(port, '127.0.0.1');
  gateway.on('error', () => client.destroy());
  client.on('close', () => gateway.destroy());
  gateway.on('close', () => client.destroy());
  const answer = Buffer.from(reply);
  const begin = (): void => void client.pipe(gateway).pipe(client);
  if (!isSlow) {
    client.write(answer);
    begin();
    return;
  }
  client.setNoDelay(true);
  const next = (at: number): void => {
    if (at === answer.length) return begin();
    client.write(answer.subarray(at, at + 1), () => setImmediate(next, at + 1));
  };
  next(0);
}
