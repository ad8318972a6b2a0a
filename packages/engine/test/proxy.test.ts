import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { startSimulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';

const token = 'c9d4c07cfbbc26d6ef87a44d53e169831096a5d5fd82547556659dd9c4e0f1a2';

describe('an engine with a proxy', () => {
  it('reaches the gateway through node:http as CONNECT proxy, and only through it', async () => {
    await using simulator = await startSimulator();
    const asked: string[] = [];
    const proxy = createServer().on('connect', (request, client) => {
      asked.push(request.url ?? '');
      const gateway = connect(simulator.port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        gateway.pipe(client).pipe(gateway);
      });
      for (const socket of [gateway, client]) socket.on('error', () => gateway.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const { ca, keyPem: key, keyId, teamId, endpoint, identity } = simulator;
    const credential = { kind: 'token', key, keyId, teamId } as const;
    const engine = createEngine({
      apps: { news: { topic: identity.topic, endpoint, ca, credential } },
      proxy: `http://127.0.0.1:${port}`,
    });
    const outcome = await engine.send({ token, payload: { aps: { alert: 'Hi' } } });
    await engine.drain();
    proxy.close();
    expect(outcome.kind).toBe('accepted');
    expect(asked).toEqual([`127.0.0.1:${simulator.port}`]);
  });

  it('is refused with a sentence that shows no password when the proxy makes no sense', () => {
    const credential = { kind: 'token', key: 'x', keyId: 'ABCDEFGHIJ', teamId: 'ABCDEFGHIJ' } as const;
    const make = (): unknown =>
      createEngine({ apps: { news: { topic: 'a.b', credential } }, proxy: 'ftp://user:hunter2@host' });
    expect(make).toThrow(/the proxy speaks ftp/u);
    expect(make).not.toThrow(/hunter2/u);
  });
});
