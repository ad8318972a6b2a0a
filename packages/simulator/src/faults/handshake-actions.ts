// What a script can do to a connection that is still plain TCP.
import type { Socket } from 'node:net';

import type { HandshakeAction } from './fault-script.ts';

type Behaviours = {
  readonly [Kind in HandshakeAction['kind']]: (raw: Socket, action: Extract<HandshakeAction, { kind: Kind }>) => void;
};

const behaviours: Behaviours = {
  // The ClientHello is read and nothing answers it.
  'handshake-hang': (raw) => raw.resume(),
  'handshake-reset': (raw) => raw.resetAndDestroy(),
  'handshake-close': (raw) => raw.end(),
  'tls-alert': (raw, { description }) => {
    raw.once('data', () => {
      // RFC 8446 §6: record type 21, version 3.3, two octets: level 2 (fatal) and the description.
      raw.end(Buffer.from([21, 3, 3, 0, 2, 2, description]));
    });
  },
};

export function actOnHandshake(raw: Socket, action: HandshakeAction): void {
  // The table has one row a kind: what is looked up fits what is passed.
  (behaviours[action.kind] as (raw: Socket, action: HandshakeAction) => void)(raw, action);
}
