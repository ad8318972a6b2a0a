import { writeFile } from 'node:fs/promises';

import { startSimulator } from '@carillon/simulator';
import type { SimulatorOptions } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, startCarillon } from './command.ts';
import type { CommandEnd } from './command.ts';

interface Office extends AsyncDisposable {
  readonly desk: Desk;
  readonly simulator: Awaited<ReturnType<typeof startSimulator>>;
  /** `carillon channels …` with the configuration of the simulator. */
  channels(...args: string[]): Promise<CommandEnd>;
}

async function open(options: SimulatorOptions = {}): Promise<Office> {
  const desk = await Desk.open();
  const simulator = await startSimulator({ identity: desk.identity, ...options });
  const { keyId, teamId, topic } = desk.identity;
  const config = {
    endpoint: simulator.endpoint,
    'channels-endpoint': simulator.channelsEndpoint,
    ca: 'ca.pem',
    topic,
    key: 'key.p8',
    'key-id': keyId,
    'team-id': teamId,
  };
  await writeFile(desk.path('config.json'), JSON.stringify(config));
  return {
    desk,
    simulator,
    channels: (...args) => carillon(['channels', ...args, '--config', desk.path('config.json')]),
    async [Symbol.asyncDispose]() {
      await simulator.close();
      await desk[Symbol.asyncDispose]();
    },
  };
}

describe('carillon channels', () => {
  it('creates, lists, reads and deletes, and carillon send broadcasts in between', async () => {
    await using office = await open();
    const { desk, simulator } = office;
    const created = await office.channels('create', '--storage-policy', 'most-recent');
    expect(created).toMatchObject({ exitCode: 0, stderr: '' });
    const channel = created.stdout.trim();
    expect(channel).toMatch(/^[A-Za-z0-9+/]{22}==$/);
    expect(await office.channels('list')).toMatchObject({ exitCode: 0, stdout: `${channel}\n` });
    expect(await office.channels('read', channel)).toMatchObject({
      exitCode: 0,
      stdout: `${channel}\tmost-recent\tLiveActivity\n`,
    });

    const payload = { aps: { event: 'update', timestamp: 1, 'content-state': {} } };
    const jobs = await desk.jobs([
      { id: 'a', channel, payload },
      { id: 'b', channel: 'AAAAAAAAAAAAAAAAAAAAAA==', payload },
      { id: 'c', channel, token: 'ab'.repeat(32), payload },
      { id: 'd', channel: 'oh no', payload },
    ]);
    const sent = await carillon([
      'send',
      jobs,
      '--config',
      desk.path('config.json'),
      '--receipts',
      desk.path('receipts.ndjson'),
    ]);
    expect(sent.exitCode).toBe(1);
    const receipts = (await desk.receipts()).sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    expect(receipts).toMatchObject([
      { id: 'a', token: null, channel, outcome: 'accepted', status: 200 },
      { id: 'b', token: null, channel: 'AAAAAAAAAAAAAAAAAAAAAA==', status: 400, reason: 'BadChannelId' },
      { id: 'c', channel, status: null, reason: 'local.token-and-channel' },
      { id: 'd', token: null, status: null, reason: 'local.bad-channel' },
    ]);
    // As the contract has them: beside the token, in the place of it.
    expect(Object.keys(receipts[0]).slice(0, 6)).toEqual(['id', 'file', 'line', 'app', 'token', 'channel']);
    expect(simulator.stats().broadcasts).toBe(1);

    expect(await office.channels('delete', channel)).toMatchObject({ exitCode: 0, stdout: `${channel}\tdeleted\n` });
    expect(await office.channels('delete', channel)).toMatchObject({
      exitCode: 0,
      stdout: `${channel}\twas not there\n`,
    });
    expect(await office.channels('list')).toMatchObject({ exitCode: 0, stdout: '' });
  });

  it('says it in JSON, one object a line, errors too, and goes on after one', async () => {
    await using office = await open();
    const created = JSON.parse((await office.channels('create', '--storage-policy', '0', '--json')).stdout) as {
      channel: string;
    };
    expect(created).toMatchObject({ operation: 'create', app: 'default', storagePolicy: 'none' });
    const { channel } = created;
    const unknown = 'AAAAAAAAAAAAAAAAAAAAAA==';
    const read = await office.channels('read', unknown, channel, '--json');
    expect(read.exitCode).toBe(1);
    const [error, found] = read.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(error).toMatchObject({
      operation: 'read',
      channel: unknown,
      error: { code: 'ERR_CHANNEL_NOT_FOUND', status: 400, reason: 'BadChannelId', processed: 'no' },
    });
    expect(found).toMatchObject({ operation: 'read', channel, storagePolicy: 'none', pushType: 'LiveActivity' });
    expect(read.stderr).toContain('BadChannelId');
  });

  it('ends with 1 when Apple refuses, 2 when nothing was sent, 3 without a gateway or a credential', async () => {
    await using office = await open({ rules: { channelsMax: 0 } });
    const full = await office.channels('create', '--storage-policy', 'none');
    expect(full.exitCode).toBe(1);
    expect(full.stderr).toContain('CannotCreateChannelConfig');

    const wrong = await office.channels('delete', 'AAAA', 'not base64!');
    expect(wrong).toMatchObject({ exitCode: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/channel "not base64!" must not contain/);
    expect(office.simulator.stats().channelCalls).toBe(1);

    const nobody = await office.channels(
      'list',
      '--channels-endpoint',
      'https://127.0.0.1:1',
      '--give-up-after',
      '0.5',
    );
    expect(nobody.exitCode).toBe(3);
    expect(nobody.stderr).toContain('ERR_CHANNEL_UNREACHABLE');
    const stranger = await office.channels(
      'list',
      '--key',
      office.desk.path('key.p8'),
      '--key-id',
      'OTHER12345',
      '--team-id',
      'TEAM123456',
    );
    expect(stranger.exitCode).toBe(3);
    expect(stranger.stderr).toContain('InvalidProviderToken');
  });

  it('ends with 130 when it is interrupted', async () => {
    await using office = await open();
    // Nobody there, and it would be tried for long.
    const running = startCarillon([
      'channels',
      'list',
      '--config',
      office.desk.path('config.json'),
      '--channels-endpoint',
      'https://127.0.0.1:1',
    ]);
    await running.said('no connection');
    running.process.kill('SIGINT');
    const { exitCode, stderr } = await running.end;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('given up by its caller');
  });
});
