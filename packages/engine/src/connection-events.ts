/** What a pool tells of its connections, in the words of the engine's events. */
import type { PoolNotice } from '@carillon/pool';
import type { EngineEvent } from './events.ts';

export function connectionEvent(notice: PoolNotice, endpoint: string): EngineEvent {
  switch (notice.kind) {
    case 'opened': {
      const { address, id: connection } = notice.connection;
      return { kind: 'connection-opened', endpoint, address, connection };
    }
    case 'dial-failed': {
      const { code, message } = notice.error;
      return { kind: 'dial-failed', endpoint, code, message, failures: notice.failures };
    }
    case 'goaway': {
      const { reason, text: message } = notice.notice;
      return { kind: 'goaway', endpoint, connection: notice.connection.id, reason, message };
    }
    case 'closed': {
      const { kind: because, message } = notice.closure;
      const { id: connection, streamsOpened: pushes } = notice.connection;
      return { kind: 'connection-closed', endpoint, connection, because, message, pushes };
    }
  }
}
