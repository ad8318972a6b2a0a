// The log: pino on stderr. Lines for people when stderr is a terminal, JSON otherwise. Whatever the way in, no device
// token, provider token or key gets out.
import { pino } from 'pino';
import type { Logger } from 'pino';

import type { LogLevel } from '../config/log-level.ts';
import { readableLine } from './readable-line.ts';
import { scrub } from './scrub.ts';

export interface Log {
  readonly logger: Logger;
  /** What was logged is out. To be called at the end, whatever the end. */
  flush(): void;
}

/** Fields that would hold a secret, should one ever be logged by mistake. */
const secretFields = ['token', 'key', 'pfx', 'cert', 'passphrase', 'authorization', 'credential', 'payload'];

export function openLog(level: LogLevel, isTerminal: boolean): Log {
  const destination = pino.destination({ dest: 2, sync: false, minLength: 0 });
  // stderr is closed: there is nobody left to tell, and the work goes on.
  destination.on('error', () => undefined);
  const stream = isTerminal
    ? { write: (line: string): void => void destination.write(readableLine(line)) }
    : destination;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
      hooks: { streamWrite: scrub },
    },
    stream,
  );
  return {
    logger,
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // stderr is closed, or its reader does not read: as above.
      }
    },
  };
}
