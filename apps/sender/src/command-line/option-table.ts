// Every option of every command, once: the parser, the configuration file and the help text read this table.

export interface OptionSpec {
  /** What the help calls the value; null: a switch without a value. */
  readonly value: string | null;
  readonly says: string;
  /** May the configuration file say it too? */
  readonly isInConfig: boolean;
}

export type OptionTable<Name extends string> = Readonly<Record<Name, OptionSpec>>;

/** What was given, by name: the text of a value, or true for a switch. */
export type Given<Name extends string> = Readonly<Partial<Record<Name, string | true>>>;

export type SendOption =
  | 'endpoint'
  | 'environment'
  | 'ca'
  | 'key'
  | 'key-id'
  | 'team-id'
  | 'cert'
  | 'cert-key'
  | 'pfx'
  | 'passphrase-file'
  | 'app'
  | 'topic'
  | 'push-type'
  | 'notification'
  | 'recipients'
  | 'duplicates'
  | 'connections'
  | 'workers'
  | 'rate'
  | 'give-up-after'
  | 'receipts'
  | 'resume'
  | 'json'
  | 'config'
  | 'quiet'
  | 'verbose'
  | 'log-level'
  | 'help';

export type SimulateOption =
  | 'port'
  | 'channels-port'
  | 'profile'
  | 'stack'
  | 'streams'
  | 'load'
  | 'faults'
  | 'ledger'
  | 'report-json'
  | 'report-svg'
  | 'no-referee'
  | 'write-credentials'
  | 'json'
  | 'quiet'
  | 'verbose'
  | 'log-level'
  | 'help';

export type ChannelsOption =
  | 'channels-endpoint'
  | 'environment'
  | 'ca'
  | 'key'
  | 'key-id'
  | 'team-id'
  | 'cert'
  | 'cert-key'
  | 'pfx'
  | 'passphrase-file'
  | 'app'
  | 'topic'
  | 'storage-policy'
  | 'give-up-after'
  | 'json'
  | 'config'
  | 'quiet'
  | 'verbose'
  | 'log-level'
  | 'help';

const logLevels = 'trace | debug | info | warn | error | fatal';

export const sendOptions: OptionTable<SendOption> = {
  endpoint: option('https://HOST:PORT', 'the gateway, when it is not Apple’s: a simulator, a proxy'),
  environment: option('NAME', 'production (default) or sandbox: Apple’s own gateways'),
  ca: option('FILE', 'PEM of the authorities to trust instead of the system’s'),
  key: option('FILE.p8', 'provider token: the signing key …'),
  'key-id': option('ID', '… its ten-character id …'),
  'team-id': option('ID', '… and the team it belongs to'),
  cert: option('FILE', 'push certificate, PEM …'),
  'cert-key': option('FILE', '… and its private key, PEM'),
  pfx: option('FILE', 'push certificate and key in one PKCS#12 file …'),
  'passphrase-file': option('FILE', '… and the file that holds its passphrase (also for --cert-key)'),
  app: option('NAME', 'the name of the app in jobs and receipts; default: default'),
  topic: option('BUNDLE-ID', 'the app’s bundle id; a job’s own topic goes first'),
  'push-type': option('TYPE', 'push type of jobs that name none; default: from the payload (alert | background)'),
  notification: option('FILE', 'a campaign: what goes to every one of the recipients …'),
  recipients: option('FILE|-', '… who they are, one a line, and no job FILE'),
  duplicates: option('HOW', 'exact (default: up to 1,000,000 device tokens, each sent to once) | fingerprints | off'),
  connections: option('N', 'connections at most; default 4'),
  workers: option('N', 'prepare jobs in so many worker threads; default 0: the thread that sends'),
  rate: option('N', 'pushes a second at most; default: as fast as the gateway takes them'),
  'give-up-after': option('SECONDS', 'without any usable connection for this long the rest is abandoned; default 30'),
  receipts: option('FILE|-', 'one receipt a line goes here; - is stdout. An existing file is refused without --resume'),
  resume: toggle('continue the receipts FILE: what is settled there is not sent again'),
  json: toggle('the summary as JSON on stdout (on stderr when receipts go to stdout)'),
  config: { ...option('FILE', 'JSON object with these same names; the command line goes first'), isInConfig: false },
  quiet: toggle('no progress, no summary: only warnings, errors and what --json prints'),
  verbose: toggle('log more: the same as --log-level debug'),
  'log-level': option('LEVEL', logLevels),
  help: { ...toggle('this text'), isInConfig: false },
};

export const channelsOptions: OptionTable<ChannelsOption> = {
  'channels-endpoint': option(
    'https://HOST:PORT',
    'the gateway for channels, when it is not Apple’s: a simulator, a proxy',
  ),
  environment: sendOptions.environment,
  ca: sendOptions.ca,
  key: sendOptions.key,
  'key-id': sendOptions['key-id'],
  'team-id': sendOptions['team-id'],
  cert: sendOptions.cert,
  'cert-key': sendOptions['cert-key'],
  pfx: sendOptions.pfx,
  'passphrase-file': sendOptions['passphrase-file'],
  app: option('NAME', 'what the app is called in the output; default: default'),
  topic: option('BUNDLE-ID', 'the app whose channels they are'),
  'storage-policy': {
    ...option('POLICY', 'create: none, or most-recent: the last broadcast is kept for devices that are away'),
    isInConfig: false,
  },
  'give-up-after': option('SECONDS', 'without an answer of the gateway for this long; default 30'),
  json: toggle('what came of it as JSON on stdout, one object a line'),
  config: sendOptions.config,
  quiet: toggle('only warnings and errors on stderr'),
  verbose: sendOptions.verbose,
  'log-level': sendOptions['log-level'],
  help: sendOptions.help,
};

export const simulateOptions: OptionTable<SimulateOption> = {
  port: option('N', 'port on 127.0.0.1; default: any free one'),
  'channels-port': option('N', 'port where channels are managed; default: any free one'),
  profile: option('NAME', 'strict (default): keeps Apple’s rules. fast: answers 200 and checks nothing'),
  stack: option('NAME', 'frames (default): our own HTTP/2. node: node:http2, a second opinion'),
  streams: option('N', 'concurrent streams that a connection is granted; default 1000'),
  load: option('N/MS', 'serve N requests at once, MS milliseconds each; the others wait. Default: any number'),
  faults: option('FILE', 'JSON list of faults to play'),
  ledger: option('FILE', 'write every push that arrived here, one JSON object a line'),
  'report-json': option('FILE', 'on exit, the referee’s report with its timeline, as JSON'),
  'report-svg': option('FILE', '… and as a picture: rate, answers, connections, faults and violations over time'),
  'no-referee': toggle('judge nobody’s conduct; only then is the profile fast as fast as it can be'),
  'write-credentials': option('DIR', 'write ca.pem, key.p8 and credentials.json here, for clients'),
  json: toggle('the report on exit as JSON on stdout'),
  quiet: toggle('only warnings, errors and the report'),
  verbose: toggle('log more: the same as --log-level debug'),
  'log-level': option('LEVEL', logLevels),
  help: toggle('this text'),
};

function option(value: string, says: string): OptionSpec {
  return { value, says, isInConfig: true };
}

function toggle(says: string): OptionSpec {
  return { value: null, says, isInConfig: true };
}
