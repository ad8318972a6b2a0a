/** An app as the engine knows it: its bundle id, its lane, and the outlet its pushes leave by. */
import type { Environment, Topic } from '@carillon/apns';
import type { CampaignLanes } from './campaign-lanes.ts';
import type { FirstReplies } from './environment-hint.ts';
import type { Lanes } from './lane.ts';
import type { Outlet } from './outlet.ts';
import type { Source } from './source.ts';

export interface App extends Lanes {
  readonly name: string;
  /** The bundle id, without a push type's suffix. */
  readonly topic: Topic;
  /** `host` or `host:port` of its gateway: environments never mix. */
  readonly authority: string;
  /** Null: its gateway is not Apple's, and nobody says which it stands for. */
  readonly environment: Environment | null;
  /** Of its campaigns under way. */
  readonly campaigns: Set<CampaignLanes>;
  /** Pushes that campaigns sent which have ended. */
  sentByCampaigns: number;
  /** Counts the refusals of what is sent one by one, and hears of those of calls. */
  readonly source: Source;
  readonly firstReplies: FirstReplies;
  /** Apps of the same topic at other gateways: a device token may be meant for one of them. */
  readonly twins: App[];
  /** It is a sandbox and has twins: what it accepts is remembered, for their hints. */
  isSandboxOfTwin: boolean;
  /** Another one when the credential is replaced. */
  outlet: Outlet;
}
