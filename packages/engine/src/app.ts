/** An app as the engine knows it: its bundle id, its lane, and the outlet its pushes leave by. */
import type { Topic } from '@carillon/apns';
import type { Lane } from './lane.ts';
import type { Outlet } from './outlet.ts';

export interface App {
  readonly name: string;
  /** The bundle id, without a push type's suffix. */
  readonly topic: Topic;
  /** `host` or `host:port` of its gateway: environments never mix. */
  readonly authority: string;
  readonly lane: Lane;
  /** Another one when the credential is replaced. */
  outlet: Outlet;
}
