// Why a job is refused before Apple is asked, and what is said about one that is sent: every code there is, with its
// sentence. Codes are stable: receipts, tests and users' programs match on them. A message says more about the one case;
// the sentence says what the code means. docs/PAYLOADS.md shows them all; a test holds it to these tables.

import type { ApnsFaultCode } from '@carillon/apns';

/** What is wrong with the text itself. */
export type ScanCode =
  | 'local.not-json'
  | 'local.not-a-job'
  | 'local.bad-utf8'
  | 'local.lone-surrogate'
  | 'local.duplicate-key'
  | 'local.forbidden-key'
  | 'local.too-deep'
  | 'local.unknown-field'
  | 'local.wrong-type'
  | 'local.payload-too-large';

/** What is wrong with a job whose text is fine. Codes of single fields that Apple's rules decide are those of `apns`. */
export type JobCode =
  | 'local.line-too-long'
  | 'local.poison'
  | 'local.missing-token'
  | 'local.missing-payload'
  | 'local.bad-id'
  | 'local.bad-app'
  | 'local.bad-deadline'
  | 'local.bad-on-ambiguous'
  | 'local.token-and-channel'
  | 'local.send-at-not-supported'
  | 'local.payload-not-json'
  | 'local.payload-not-an-object'
  | 'local.not-serialisable';

/** What is wrong with what the payload says. Each comes with the path of the key. */
export type PayloadCode =
  | 'local.payload-wrong-type'
  | 'local.payload-bad-value'
  | 'local.payload-key-missing'
  | 'local.background-visible'
  | 'local.broadcast-start';

/** What is probably not meant so, in a push that is sent all the same. */
export type WarningCode =
  | 'local.unknown-aps-key'
  | 'local.unknown-value'
  | 'local.misplaced-key'
  | 'local.null-value'
  | 'local.odd-value'
  | 'local.advised-key-missing'
  | 'local.push-type-mismatch'
  | 'local.odd-delivery';

/** The parse functions of `apns` that a job's fields go through. */
type FieldCode = Extract<
  ApnsFaultCode,
  | 'local.bad-device-token'
  | 'local.bad-channel'
  | 'local.bad-topic'
  | 'local.bad-push-type'
  | 'local.bad-priority'
  | 'local.bad-collapse-id'
  | 'local.bad-apns-id'
  | 'local.bad-expiration'
>;

/** What is wrong with a recipient of a campaign, besides what can be wrong with a job. */
export type RecipientCode = 'local.not-a-recipient' | 'local.missing-variable' | 'local.duplicate-recipient';

export type RefusalCode = ScanCode | JobCode | PayloadCode | RecipientCode | FieldCode;

export const refusalCodes: Readonly<Record<RefusalCode, string>> = {
  'local.not-json': 'The line is not JSON.',
  'local.not-a-job': 'The line does not hold an object.',
  'local.bad-utf8': 'The bytes are not valid UTF-8; sent on, the device would show replacement characters.',
  'local.lone-surrogate': 'A \\u escape names half of a character: a surrogate without its partner.',
  'local.duplicate-key': 'An object has the same key twice; readers disagree on which value counts.',
  'local.forbidden-key':
    'A key is __proto__, constructor or prototype, which pollute objects in the programs that read it.',
  'local.too-deep': 'The payload nests more than 64 objects and arrays.',
  'local.unknown-field': 'The job has a field that does not exist; most often it is misspelt.',
  'local.wrong-type': 'A field of the job has a value of the wrong JSON type.',
  'local.line-too-long': 'The line is longer than a job can be.',
  'local.poison': 'The line cost the worker threads that prepared it, twice while it was alone; a fault of ours.',
  'local.missing-token': 'The job names neither a device token nor a channel.',
  'local.missing-payload': 'The job has no payload.',
  'local.bad-id': 'The id is not 1 to 128 of the allowed characters.',
  'local.bad-app': 'The name of the app is empty, too long or has control characters in it.',
  'local.bad-deadline': 'The deadline is not an ISO time with its offset.',
  'local.bad-on-ambiguous': 'onAmbiguous is neither resend nor report.',
  'local.token-and-channel': 'The job names a device token and a channel; it can go to one of them only.',
  'local.send-at-not-supported': 'Only the daemon keeps jobs for later; here a job is sent at once.',
  'local.payload-not-json': 'The payload was given as text or bytes, and those are not JSON.',
  'local.payload-not-an-object': 'The payload is JSON, but not an object.',
  'local.payload-too-large': 'The payload has more bytes than Apple takes for its push type.',
  'local.payload-wrong-type': "A key of Apple's has a value of a JSON type that Apple's page does not name.",
  'local.payload-bad-value': "A number lies beyond the range that Apple's page gives, or is a time in milliseconds.",
  'local.payload-key-missing': 'A key is missing without which the push means nothing to a device.',
  'local.background-visible': 'A background push has something to see or hear: an alert, a badge or a sound.',
  'local.broadcast-start': 'A broadcast starts a Live Activity, which only a push to a token can.',
  'local.not-serialisable': 'The JavaScript object has a value in it that JSON cannot carry.',
  'local.not-a-recipient': 'The line holds neither a device token nor an object with one.',
  'local.missing-variable': 'The notification has a slot for a variable that the recipient does not have.',
  'local.duplicate-recipient': 'The device token was in the list before; it is sent to once.',
  'local.bad-device-token': 'The token is not a device token in hex.',
  'local.bad-channel': 'The channel is not the base64 of a channel id.',
  'local.bad-topic': 'The topic has characters no topic has, or too many of them.',
  'local.bad-push-type': 'The push type does not look like one.',
  'local.bad-priority': 'The priority is not 10, 5 or 1, or Apple refuses it for the push type.',
  'local.bad-collapse-id': 'The collapse id is not 1 to 64 bytes of visible ASCII.',
  'local.bad-apns-id': 'The apnsId is not a UUID.',
  'local.bad-expiration': 'The expiration is neither unix seconds nor an ISO time.',
};

/** Nothing is refused for these: the receipt of the push lists them, and the engine counts them. */
export const warningCodes: Readonly<Record<WarningCode, string>> = {
  'local.unknown-aps-key': "A key of aps, or of its alert or sound, is none of Apple's; devices ignore it there.",
  'local.unknown-value': 'A name that Apple lists is wanted, and this one is not in the list of today.',
  'local.misplaced-key': "A key of Apple's stands where it means nothing: beside aps, or in a push of another type.",
  'local.null-value': "A key of Apple's is null; a key without a value is left out.",
  'local.odd-value': "A value is not one that Apple's page knows, and the page does not say what becomes of it.",
  'local.advised-key-missing': 'A key is missing that pushes of this type ought to have.',
  'local.push-type-mismatch': 'The payload is that of a background push, and the push type says alert.',
  'local.odd-delivery': "Priority or expiration are not what Apple's page asks for pushes of this type.",
};
