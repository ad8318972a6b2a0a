// What a script can do to a connection that speaks HTTP/2: one row a kind of action.
import { encodeFrameHeader, encodePriority, ErrorCode, SettingId, streamIdMax } from '@carillon/frames';

import type { ActedConnection } from './acted-connection.ts';
import type { ConnectionAction, SettingsStep } from './fault-script.ts';
import { flood } from './flood.ts';

type Behaviours = {
  readonly [Kind in ConnectionAction['kind']]: (
    connection: ActedConnection,
    action: Extract<ConnectionAction, { kind: Kind }>,
  ) => void;
};

type GoAwayAction = Extract<ConnectionAction, { kind: 'goaway' }>;

/** Between the two GOAWAYs of a graceful shutdown; RFC 9113 §6.8 asks for a round trip at least. */
const stepMsDefault = 100;
/** A process that is started again. */
const awayMsDefault = 1_000;

const behaviours: Behaviours = {
  goaway: goAway,
  'no-settings': () => {}, // acted on before anything is sent: see suppressesSettings
  settings: (connection, { steps }) => runSteps(connection, steps),
  'hold-windows': ({ http2 }) => {
    http2.holdsWindows = true;
  },
  silence: ({ carrier }) => carrier.silence(),
  'stop-reading': (connection, { forMs }) => {
    connection.carrier.stopReading();
    if (forMs !== undefined) connection.after(forMs, () => connection.carrier.goOnReading());
  },
  'tcp-reset': ({ http2, carrier }) => {
    http2.stop();
    carrier.reset();
  },
  'half-close': ({ carrier }) => carrier.endWriting(),
  truncate: ({ http2, carrier }) => {
    http2.stop();
    carrier.truncate();
  },
  close: ({ http2, carrier }) => {
    http2.stop();
    carrier.end();
  },
  restart: (connection, { awayMs }) => connection.restartGateway(awayMs ?? awayMsDefault),
  segments: ({ carrier }, { bytes }) => carrier.segmentBy(bytes ?? 1),
  'ping-answers': (connection, { how, delayMs }) => {
    connection.pingAnswers = { how, delayMs: delayMs ?? 0 };
  },
  ping: ({ http2 }) => http2.writePing(Buffer.from('carillon', 'latin1')),
  'unknown-frame': ({ http2 }, { type, bytes }) => http2.writeRaw(unknownFrame(type ?? 0xf7, bytes ?? 16)),
  // RFC 9113 §6.5.2: ids that are not known are to be ignored; 0x0a0a is one of the GREASE kind.
  'unknown-setting': ({ http2 }) => http2.writeSettings([[0x0a0a, 1]]),
  priority: ({ http2 }) => {
    const frame = Buffer.alloc(14);
    encodePriority(frame, 0, http2.lastStreamId + 2, 0, false, 16);
    http2.writeRaw(frame);
  },
  'stray-reply': ({ http2 }, { stream }) => {
    const last = Math.max(1, http2.lastStreamId);
    const streamId = { idle: last + 1_000, closed: 1, even: 2 }[stream];
    http2.writeHeaders(streamId, [{ name: ':status', value: '200' }], true);
  },
  raw: ({ http2 }, { hex }) => http2.writeRaw(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')),
  flood: (connection, { of, count }) => flood(connection, of, count),
};

export function actOnConnection(connection: ActedConnection, action: ConnectionAction): void {
  // The table has one row a kind: what is looked up fits what is passed.
  (behaviours[action.kind] as (connection: ActedConnection, action: ConnectionAction) => void)(connection, action);
  connection.carrier.flushSoon();
}

/** On `start`: actions in whose place no SETTINGS are sent. */
export function suppressesSettings(action: { readonly kind: string; readonly insteadOfSettings?: boolean }): boolean {
  return action.kind === 'no-settings' || (action.kind === 'goaway' && action.insteadOfSettings === true);
}

function goAway(connection: ActedConnection, action: GoAwayAction): void {
  const { http2 } = connection;
  const code = action.code ?? ErrorCode.noError;
  const debug = Buffer.from(
    action.reason === undefined ? (action.debug ?? '') : JSON.stringify({ reason: action.reason }),
  );
  const close = (): void => {
    if (action.closes !== false) connection.closeWhenAnswered();
  };
  switch (action.lastStreamId ?? 'exact') {
    case 'max':
      http2.writeGoAway(streamIdMax, code, debug);
      return;
    case 'two-step':
      http2.writeGoAway(streamIdMax, ErrorCode.noError, Buffer.alloc(0));
      connection.after(action.stepMs ?? stepMsDefault, () => {
        http2.writeGoAway(http2.lastStreamId, code, debug);
        close();
      });
      return;
    case 'higher-second': {
      const last = http2.lastStreamId;
      http2.writeGoAway(last, code, debug);
      http2.writeGoAway(last + 1_000, code, debug);
      close();
      return;
    }
    case 'zero':
      http2.writeGoAway(0, code, debug);
      close();
      return;
    default:
      http2.writeGoAway(
        typeof action.lastStreamId === 'number' ? action.lastStreamId : http2.lastStreamId,
        code,
        debug,
      );
      close();
  }
}

function runSteps(connection: ActedConnection, steps: readonly SettingsStep[]): void {
  const [step, ...rest] = steps;
  if (step === undefined) return;
  const run = (): void => {
    announce(connection, step);
    runSteps(connection, rest);
  };
  if (step.afterMs === undefined) run();
  else connection.after(step.afterMs, run);
}

function announce({ http2, carrier }: ActedConnection, step: SettingsStep): void {
  const pairs = [
    [SettingId.headerTableSize, step.headerTableSize],
    [SettingId.maxConcurrentStreams, step.maxConcurrentStreams],
    [SettingId.initialWindowSize, step.initialWindowSize],
    [SettingId.maxFrameSize, step.maxFrameSize],
    [SettingId.maxHeaderListSize, step.maxHeaderListSize],
  ] as const;
  http2.writeSettings(pairs.flatMap(([id, value]) => (value === undefined ? [] : [[id, value] as const])));
  // At once, not when acknowledged: the real gateway refuses what is above a limit it has just lowered (E.2).
  if (step.maxConcurrentStreams !== undefined) http2.streamsMax = step.maxConcurrentStreams;
  carrier.flushSoon();
}

function unknownFrame(type: number, bytes: number): Buffer {
  const frame = Buffer.alloc(9 + bytes);
  encodeFrameHeader(frame, 0, bytes, type, 0, 0);
  return frame;
}
