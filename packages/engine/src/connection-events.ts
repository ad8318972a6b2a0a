/** What a pool tells of its connections, in the words of the engine's events. */
import type { PoolNotice } from '@carillon/pool';
import type { EngineEvent } from './events.ts';

/** `isProbation`: of the connection that carries what is on probation. */
export function connectionEvent(notice: PoolNotice, endpoint: string, isProbation = false): EngineEvent {
  switch (notice.kind) {
    case 'opened': {
      const { address, id: connection } = notice.connection;
      return { kind: 'connection-opened', endpoint, isProbation, address, connection };
    }
    case 'dial-failed': {
      const { code, message } = notice.error;
      return { kind: 'dial-failed', endpoint, isProbation, code, message, failures: notice.failures };
    }
    case 'goaway': {
      const { reason, text: message } = notice.notice;
      return { kind: 'goaway', endpoint, isProbation, connection: notice.connection.id, reason, message };
    }
    case 'closed': {
      const { kind: because, message } = notice.closure;
      const { id: connection, streamsOpened: pushes } = notice.connection;
      return { kind: 'connection-closed', endpoint, isProbation, connection, because, message, pushes };
    }
  }
}
