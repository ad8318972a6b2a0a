// When a record needs a second look, and what comes of it: a refusal, or the warnings that go with it.

import { type Priority, type PushType, pushTypes } from '@carillon/apns';
import { jobFault, type JobFault } from '../rejection.ts';
import { apsBit, ApsFact, visibleBits } from './aps-facts.ts';
import { complaintsAbout } from './check-payload.ts';
import { type Complaint, Complaints, type Warning } from './complaint.ts';
import { type PushTypeRule, ruleFor } from './push-type-rules.ts';

/** What a record says besides its payload. */
export interface Delivery {
  readonly priority: Priority;
  readonly hasExpiration: boolean;
  readonly isBroadcast: boolean;
}

const rules: readonly PushTypeRule[] = Object.values(pushTypes).map(ruleFor);
const names = Object.keys(pushTypes);
const alertType = names.indexOf('alert');
const voipType = names.indexOf('voip');
const pushToTalkType = names.indexOf('pushtotalk');
const shownOrChanged = visibleBits | apsBit('mutable-content');

/** `type` is the push type's place in `pushTypes`; types that are not there are beyond its end. */
export function needsLook(type: number, facts: number, priority: Priority, hasExpiration: boolean): boolean {
  if (type >= rules.length) return false;
  const { suspect, needed } = rules[type];
  if ((facts & suspect) !== 0 || (~facts & needed) !== 0) return true;
  // Wakes the app and shows nothing: the type is that of a background push.
  if (type === alertType) return (facts & ApsFact.wakes) !== 0 && (facts & shownOrChanged) === 0;
  if (type === voipType) return !hasExpiration;
  return type === pushToTalkType && (!hasExpiration || priority !== 10);
}

/** The payload lies between `start` and `end`, and was found to be right JSON. */
export function lookAgain(
  payload: Buffer,
  start: number,
  end: number,
  pushType: PushType,
  delivery: Delivery,
): JobFault | readonly Warning[] {
  // A payload is an object: the scan has seen to it.
  const value = JSON.parse(payload.toString('utf8', start, end)) as Record<string, unknown>;
  const complaints = [
    ...complaintsAbout(value, pushType, delivery.isBroadcast),
    ...complaintsAboutDelivery(pushType, delivery),
  ];
  const refusal = complaints.find(isRefusal);
  if (refusal !== undefined) return jobFault(refusal.code, 'payload', refusal.message, refusal.path);
  return complaints.filter(isWarning).map(({ code, path, message }) => ({ code, path, message }));
}

function isRefusal(complaint: Complaint): complaint is Extract<Complaint, { kind: 'refusal' }> {
  return complaint.kind === 'refusal';
}

function isWarning(complaint: Complaint): complaint is Extract<Complaint, { kind: 'warning' }> {
  return complaint.kind === 'warning';
}

/** Responding to VoIP Notifications from PushKit; Creating a Push to Talk app. */
function complaintsAboutDelivery({ name }: PushType, { priority, hasExpiration }: Delivery): readonly Complaint[] {
  const complaints = new Complaints();
  if ((name === 'voip' || name === 'pushtotalk') && !hasExpiration) {
    const message = `is not given, so that APNs may keep a push of type ${name} for days; 0 or a few seconds from now are right`;
    complaints.warn('local.odd-delivery', 'expiration', message);
  }
  if (name === 'pushtotalk' && priority !== 10) {
    complaints.warn('local.odd-delivery', 'priority', `is ${priority}; pushes of type pushtotalk have 10`);
  }
  return complaints.found;
}
