import { describe, expect, it } from 'vitest';

import type { Given, SendOption } from '../command-line/option-table.ts';
import { UsageError } from '../command-line/usage-error.ts';
import { parseConfig } from './config-file.ts';
import { sendConfig } from './send-config.ts';
import type { SendConfig } from './send-config.ts';

const token: Given<SendOption> = { key: 'k.p8', 'key-id': 'KEY1234567', 'team-id': 'TEAM123456' };
const least: Given<SendOption> = { ...token, topic: 'com.example.app' };

const config = (given: Given<SendOption>, fromFile: Given<SendOption> = {}, files = ['jobs.ndjson']): SendConfig =>
  sendConfig(files, given, fromFile, true);

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('The configuration of send', () => {
  it('has the defaults of the contract', () => {
    expect(config(least)).toEqual({
      inputs: ['jobs.ndjson'],
      campaign: null,
      app: 'default',
      topic: 'com.example.app',
      pushType: null,
      gateway: { kind: 'apple', environment: 'production' },
      ca: null,
      credential: { kind: 'token', key: 'k.p8', keyId: 'KEY1234567', teamId: 'TEAM123456' },
      connectionsMax: null,
      workersMax: null,
      ratePerSecond: null,
      giveUpAfterMs: null,
      receipts: { kind: 'none' },
      summary: 'text',
      isQuiet: false,
      logLevel: 'info',
    });
  });

  it('takes a campaign, with its recipients for an input', () => {
    const campaign = { notification: 'n.json', recipients: '-', duplicates: 'fingerprints' };
    expect(config({ ...least, ...campaign }, {}, [])).toMatchObject({
      inputs: ['-'],
      campaign: { notification: 'n.json', duplicates: 'fingerprints' },
    });
  });

  it('takes every option', () => {
    expect(
      config({
        topic: 'com.example.app',
        app: 'news',
        'push-type': 'background',
        endpoint: 'https://127.0.0.1:8443',
        ca: 'ca.pem',
        cert: 'c.pem',
        'cert-key': 'k.pem',
        'passphrase-file': 'p.txt',
        connections: '3',
        workers: '2',
        rate: '12.5',
        'give-up-after': '2.5',
        receipts: 'r.ndjson',
        resume: true,
        json: true,
        quiet: true,
      }),
    ).toMatchObject({
      app: 'news',
      pushType: 'background',
      gateway: { kind: 'endpoint', endpoint: 'https://127.0.0.1:8443' },
      ca: 'ca.pem',
      credential: { kind: 'certificate', cert: 'c.pem', key: 'k.pem', passphrase: 'p.txt' },
      connectionsMax: 3,
      workersMax: 2,
      ratePerSecond: 12.5,
      giveUpAfterMs: 2500,
      receipts: { kind: 'file', path: 'r.ndjson', isResumed: true },
      summary: 'json',
      logLevel: 'warn',
    });
  });

  it('reads stdin when no file is named and stdin is not a terminal', () => {
    expect(sendConfig([], least, {}, false).inputs).toEqual(['-']);
    expect(refusal(() => sendConfig([], least, {}, true))).toMatch(/name a file of jobs, or - for stdin/);
  });

  it.each<[string, Given<SendOption>, RegExp]>([
    ['no topic', token, /--topic is missing/],
    ['a topic with a line feed', { ...token, topic: 'com\nexample' }, /--topic/],
    ['no credential', { topic: 'com.example' }, /a credential is missing: --key/],
    ['two credentials', { ...least, cert: 'c', 'cert-key': 'k' }, /--key and --cert exclude each other/],
    ['a key without its id', { topic: 'com.example', key: 'k', 'team-id': 'T' }, /--key-id is missing beside --key/],
    ['an id without a key', { topic: 'com.example', 'key-id': 'K' }, /--key-id needs --key/],
    ['a certificate without a key', { topic: 'com.example', cert: 'c' }, /--cert-key is missing beside --cert/],
    ['a passphrase for a .p8', { ...least, 'passphrase-file': 'p' }, /--passphrase-file does not go with --key/],
    ['plain http', { ...least, endpoint: 'http://127.0.0.1:8443' }, /plain http.*https:\/\/HOST:PORT is right/],
    ['an endpoint with a path', { ...least, endpoint: 'https://host/3/device' }, /--endpoint/],
    ['an endpoint that is no URL', { ...least, endpoint: '127.0.0.1:8443' }, /--endpoint/],
    ['a user in the endpoint', { ...least, endpoint: 'https://me:hunter2@host' }, /^(?!.*hunter2).*user/],
    [
      'both ways to name a gateway',
      { ...least, endpoint: 'https://host', environment: 'sandbox' },
      /exclude each other/,
    ],
    ['an unknown environment', { ...least, environment: 'staging' }, /production or sandbox is right/],
    [
      'connections that are no number',
      { ...least, connections: 'many' },
      /--connections "many"; a whole number from 1/,
    ],
    ['no connections', { ...least, connections: '0' }, /from 1 to 1000/],
    ['a rate of nothing', { ...least, rate: '0' }, /--rate/],
    ['a negative rate', { ...least, rate: '-5' }, /--rate/],
    ['a time in words', { ...least, 'give-up-after': '30s' }, /--give-up-after "30s"; a number/],
    ['--resume without a file', { ...least, resume: true }, /--resume needs --receipts FILE/],
    ['--resume with stdout', { ...least, resume: true, receipts: '-' }, /--resume needs --receipts FILE/],
    ['an unknown log level', { ...least, 'log-level': 'loud' }, /one of trace, debug/],
    ['loud and quiet', { ...least, verbose: true, quiet: true }, /exclude each other/],
    ['an unknown push type', { ...least, 'push-type': 'Alert' }, /--push-type.*"alert" is right/],
    ['an app with a space', { ...least, app: 'my app' }, /--app/],
    [
      'a key in the place of its file',
      { ...least, key: '-----BEGIN PRIVATE KEY-----\nMIGH' },
      /^(?!.*MIGH).*path of a file/,
    ],
  ])('refuses %s', (_, given, message) => {
    expect(refusal(() => config(given))).toMatch(message);
  });

  it('refuses an input that is named twice, however it is written', () => {
    expect(refusal(() => config(least, {}, ['jobs.ndjson', './jobs.ndjson']))).toMatch(/named twice/);
  });
});

describe('A configuration file', () => {
  const parse = (text: string): Given<SendOption> => parseConfig(text, '/etc/carillon/send.json');

  it('says the same under the same names, with paths relative to itself', () => {
    expect(
      parse('{"key":"keys/a.p8","ca":"/ca.pem","receipts":"-","topic":"t","connections":4,"json":true,"resume":false}'),
    ).toEqual({
      key: '/etc/carillon/keys/a.p8',
      ca: '/ca.pem',
      receipts: '-',
      topic: 't',
      connections: '4',
      json: true,
    });
  });

  it('gives way to the command line, credential by credential', () => {
    const file = { ...least, environment: 'sandbox', rate: '5' };
    expect(config({ rate: '7', endpoint: 'https://127.0.0.1:1', pfx: 'p.p12' }, file)).toMatchObject({
      ratePerSecond: 7,
      gateway: { kind: 'endpoint' },
      credential: { kind: 'pfx', pfx: 'p.p12' },
    });
    expect(config({ 'key-id': 'OTHER12345' }, file).credential).toMatchObject({ key: 'k.p8', keyId: 'OTHER12345' });
  });

  it.each([
    ['{"keyId":"x"}', /"keyId" is not an option; did you mean "key-id"\?/],
    ['{"__proto__":{}}', /"__proto__" is not an option/],
    ['{"config":"x"}', /"config" is not an option/],
    ['{"key":["hunter2"]}', /^(?!.*hunter2).*key is a list; a text or a number/],
    ['{"json":"yes"}', /json is a value of type string; true or false/],
    ['{"topic":""}', /topic is empty/],
    ['[]', /an array; an object is right/],
    ['{"key":"hunter2",}', /^(?!.*hunter2).*not JSON \(at position 17/],
    ['topic: com.example', /not JSON/],
  ])('%j is refused', (text, message) => {
    expect(refusal(() => parse(text))).toMatch(message);
  });
});
