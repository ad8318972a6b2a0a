// Clients that nobody here wrote: nghttp, h2load and curl (Debian: nghttp2-client, curl; CI installs them) and
// node:http2 get right answers, from both stacks of "strict" and from "fast".
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startSimulator, writeCredentialFiles } from '../src/index.ts';
import type { CredentialFiles, Simulator, SimulatorOptions } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { goodToken, TestClient } from './test-client.ts';

const run = promisify(execFile);

const gateways: readonly (SimulatorOptions & { readonly name: string })[] = [
  { name: 'strict on frames', profile: 'strict', stack: 'frames' },
  { name: 'strict on node:http2', profile: 'strict', stack: 'node' },
  { name: 'fast', profile: 'fast' },
  { name: 'fast with a ledger', profile: 'fast', ledger: { kind: 'memory' } },
];

describe.each(gateways)('the gateway "$name"', ({ name: _name, ...options }) => {
  let simulator: Simulator;
  let directory: string;
  let files: CredentialFiles;
  let bodyFile: string;

  beforeAll(async () => {
    simulator = await startSimulator(options);
    directory = await mkdtemp(join(tmpdir(), 'carillon-clients-'));
    files = await writeCredentialFiles(directory, simulator.identity, simulator.endpoint);
    bodyFile = join(directory, 'body.json');
    await writeFile(bodyFile, JSON.stringify({ aps: { alert: 'x'.repeat(250) } }));
  });

  afterAll(async () => {
    await simulator.close();
    await rm(directory, { recursive: true });
  });

  const url = (token = goodToken): string => `https://localhost:${simulator.port}/3/device/${token}`;
  const pushHeaders = (): Record<string, string> => ({
    authorization: `bearer ${providerToken(simulator.identity)}`,
    'apns-topic': simulator.identity.topic,
    'apns-push-type': 'alert',
    'apns-id': '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f',
  });
  const headerFlags = (flag: string): string[] =>
    Object.entries(pushHeaders()).flatMap(([name, value]) => [flag, `${name}: ${value}`]);

  it('answers curl', async () => {
    const certificates = ['--cacert', files.ca, '--resolve', `localhost:${simulator.port}:127.0.0.1`];
    const output = await tool('curl', [
      '-sS',
      '-i',
      '--http2',
      ...certificates,
      ...headerFlags('-H'),
      '-d',
      `@${bodyFile}`,
      url(),
    ]);
    if (output === null) return;
    expect(output).toMatch(/^HTTP\/2 200/);
    expect(output).toMatch(/^apns-id: [0-9a-f-]{36}\r$/m);
  });

  it('answers curl with a client certificate', async () => {
    const certificates = ['--cacert', files.ca, '--cert', files.certificate, '--key', files.certificateKey];
    const flags = [
      '-sS',
      '-i',
      '--http2',
      ...certificates,
      '-H',
      `apns-topic: ${simulator.identity.topic}`,
      '-d',
      '{}',
    ];
    const output = await tool('curl', [...flags, `https://127.0.0.1:${simulator.port}/3/device/${goodToken}`]);
    if (output === null) return;
    expect(output).toMatch(/^HTTP\/2 200/);
  });

  it('answers nghttp', async () => {
    const output = await tool('nghttp', ['-v', ...headerFlags('-H'), '-d', bodyFile, url()]);
    if (output === null) return;
    expect(output).toContain(':status: 200');
    expect(output).toMatch(/apns-id: [0-9a-f-]{36}/);
    expect(output).not.toContain('[ERROR]');
  });

  it('takes 24 kB of headers from nghttp, in CONTINUATION frames', async () => {
    const flags = ['-v', '--continuation', ...headerFlags('-H'), '-d', bodyFile, url()];
    const output = await tool('nghttp', flags);
    if (output === null) return;
    // node:http2 holds a client to MAX_HEADER_LIST_SIZE 8000 once it has acknowledged SETTINGS; for ours it is the
    // advice that RFC 9113 §6.5.2 calls it.
    expect(output).toMatch(options.stack === 'node' ? /:status: 200|ENHANCE_YOUR_CALM/ : /:status: 200/);
  });

  it('answers every request of h2load', async () => {
    // -m1: h2load does not wait for SETTINGS, and a token connection begins with one stream.
    const streams = options.profile === 'fast' ? '200' : '1';
    const flags = ['-t1', '-c2', `-m${streams}`, '-n2000', '-d', bodyFile, ...headerFlags('-H'), url()];
    const output = await tool('h2load', flags);
    if (output === null) return;
    expect(output).toContain('2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout');
  });

  it('answers a thousand requests at once of node:http2, each with its own id', async () => {
    const session = connect(simulator.endpoint, { ca: simulator.ca });
    try {
      await new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()));
      const headers = pushHeaders();
      const first = await request(session, headers); // a token connection opens up after it
      expect(first.status).toBe(200);
      const settled = await Promise.all(
        Array.from({ length: 1_000 }, (_, k) => {
          const apnsId = `00000000-0000-4000-8000-${String(k).padStart(12, '0')}`;
          return request(session, { ...headers, 'apns-id': apnsId }).then((reply) => ({ ...reply, asked: apnsId }));
        }),
      );
      expect(settled.every(({ status }) => status === 200)).toBe(true);
      expect(new Set(settled.map(({ apnsId }) => apnsId)).size).toBe(1_000);
      if (simulator.stats().ledgerEntries > 0)
        expect(settled.every(({ apnsId, asked }) => apnsId === asked)).toBe(true);
    } finally {
      session.close();
    }
  });

  it('answers a client that does not know ALPN but speaks HTTP/2', async () => {
    const client = await TestClient.connect(simulator, { alpn: [] });
    expect(client.socket.alpnProtocol).toBe(false);
    expect((await client.answer(client.push())).status).toBe('200');
    client.close();
  });

  it('refuses a client that speaks only HTTP/1.1 in the handshake', async () => {
    await expect(TestClient.connect(simulator, { alpn: ['http/1.1'] })).rejects.toThrow(/no application protocol/i);
  });
});

describe('the files of a simulator', () => {
  it('hold what its identity holds, keys for the owner only', async () => {
    await using simulator = await startSimulator();
    const directory = await mkdtemp(join(tmpdir(), 'carillon-files-'));
    try {
      const files = await writeCredentialFiles(directory, simulator.identity, simulator.endpoint);
      expect(await readFile(files.key, 'utf8')).toBe(simulator.keyPem);
      expect(await readFile(files.ca, 'utf8')).toBe(simulator.ca);
      const about: unknown = JSON.parse(await readFile(files.about, 'utf8'));
      expect(about).toMatchObject({ endpoint: simulator.endpoint, keyId: simulator.keyId, teamId: simulator.teamId });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

/** Null, with the reason printed, where the tool is not installed. */
async function tool(name: string, options: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(name, [...options], { encoding: 'utf8', timeout: 20_000 });
    return stdout + stderr;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    console.log(`not checked with ${name}: it is not installed`);
    return null;
  }
}

async function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Promise<{ status: number; apnsId: string }> {
  const stream = session.request({ ':method': 'POST', ':path': `/3/device/${goodToken}`, ...headers });
  stream.end('{"aps":{"alert":"Hi"}}');
  stream.resume();
  return new Promise((resolve, reject) => {
    let reply: IncomingHttpHeaders = {};
    stream.once('response', (received) => (reply = received));
    stream.once('error', reject);
    stream.once('close', () => resolve({ status: Number(reply[':status']), apnsId: String(reply['apns-id']) }));
  });
}
