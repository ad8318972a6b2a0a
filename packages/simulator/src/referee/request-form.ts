// `frames-clean` for one request: is its form as documented (apns-protocol.md A.2, A.3)? Says what is wrong without
// repeating a value, for paths hold device tokens and headers hold secrets.
import type { PushRequest } from '../rules/request.ts';

/** Documented for pushes and broadcasts; and what HTTP libraries add by themselves and Apple was seen to bear. */
const allowed = new Map<string, RegExp>([
  ['authorization', /^bearer [A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/],
  ['apns-topic', /^[A-Za-z0-9.-]{1,255}$/],
  ['apns-push-type', /^[A-Za-z]+$/], // BSND writes Liveactivity
  ['apns-id', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['apns-expiration', /^\d{1,10}$/],
  ['apns-priority', /^(?:10|5|1)$/],
  ['apns-collapse-id', /^[\x20-\x7e]{1,64}$/],
  ['apns-channel-id', /^[A-Za-z0-9+/=]+$/],
  ['apns-request-id', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['content-type', /^[\x20-\x7e]+$/],
  ['content-length', /^\d+$/],
  ['user-agent', /^[\x20-\x7e]+$/],
  ['accept', /^[\x20-\x7e]+$/],
  ['accept-encoding', /^[\x20-\x7e]+$/],
  ['host', /^[\x21-\x7e]+$/],
]);

const devicePath = /^\/3\/device\/(?:[0-9a-fA-F]{2})+$/;
/** BSND. */
const broadcastPath = /^\/4\/broadcasts\/apps\/[A-Za-z0-9.-]{1,255}$/;

/** What the client cannot be blamed for twice is not looked for: the first fault is enough. Null: it is clean. */
export function formFault(request: PushRequest, body: Buffer): string | null {
  if (request.method !== 'POST') return `:method is not POST`;
  if (!devicePath.test(request.path) && !broadcastPath.test(request.path)) {
    return `:path (${request.path.length} characters) is neither /3/device/ and a token in hex nor that of a broadcast`;
  }
  const { fields } = request;
  for (let at = 0; at < fields.length; at += 1) {
    const { name, value } = fields[at];
    if (name === 'content-encoding') return 'the body claims to be compressed (content-encoding)';
    const form = allowed.get(name);
    if (form === undefined) return `header ${JSON.stringify(name.slice(0, 40))} is none of Apple's`;
    if (!form.test(value)) return `the value of ${name} (${value.length} characters) is not as documented`;
    for (let before = 0; before < at; before += 1) if (fields[before].name === name) return `${name} is repeated`;
  }
  // RFC 1952: what every gzip file begins with.
  if (body.length >= 2 && body[0] === 0x1f && body[1] === 0x8b) return 'the body is compressed (gzip)';
  return null;
}
