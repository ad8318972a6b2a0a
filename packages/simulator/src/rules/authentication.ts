// Who may push what on a connection: a client certificate, or provider tokens of one team (apns-protocol.md C).
import type { ClientCertificate } from './client-certificate.ts';
import type { ProviderKey, ProviderTokenVerifier, VerifiedToken } from './provider-token.ts';
import { bundleIdOf, pushTypes } from './push-types.ts';
import { fieldValue } from './request.ts';
import type { PushRequest } from './request.ts';
import type { SourceTokens } from './source-tokens.ts';
import type { Check } from './verdict.ts';

/** TOK: a token is refused when it is older than an hour. */
const tokenAgeMaxMs = 3_600_000;
/** A guess: how far ahead a sender's clock may be. TOK wants iat "within one hour" without saying which way. */
const clockAheadMaxMs = 60_000;
/** TOK, HNR: not more than one new token in 20 minutes on a connection. */
const tokenChangeMinMs = 1_200_000;
/** SNR: visible letters of a reverse DNS name; length as of a DNS name. */
const topicSyntax = /^[A-Za-z0-9.-]{1,255}$/;

export interface AuthenticationRules {
  readonly environment: 'production' | 'sandbox';
  readonly verifier: ProviderTokenVerifier;
  /** Bundle ids that exist for tokens; null: any. */
  readonly bundleIds: readonly string[] | null;
  /** Hold topics against the push type's suffix. */
  readonly checksTopicSuffix: boolean;
  /** Once a token has expired on a connection, everything there is refused (observed, E.5). */
  readonly poisonsExpired: boolean;
  /** Counts new tokens over all connections of an address; null: a connection's own only. */
  readonly sourceTokens: SourceTokens | null;
}

/** What one connection has shown so far. One record a connection, kept by the profile. */
export class ConnectionRecord {
  readonly certificate: ClientCertificate | null;
  /** The key of the first push: it fixes the team for the connection's life. */
  firstKey: ProviderKey | null = null;
  /** The token in use and when it was first seen here. */
  token: string | null = null;
  tokenSinceMs = 0;
  isPoisoned = false;
  /** The address it comes from. */
  readonly source: string;

  constructor(certificate: ClientCertificate | null, source: string) {
    this.certificate = certificate;
    this.source = source;
  }
}

export function checkAuthentication(
  request: PushRequest,
  connection: ConnectionRecord,
  rules: AuthenticationRules,
  nowMs: number,
): Check {
  if (connection.certificate !== null) {
    // SNR: authorization is ignored when the connection has a certificate.
    return nowMs <= connection.certificate.notAfterMs && nowMs >= connection.certificate.notBeforeMs
      ? null
      : { reason: 'BadCertificate' };
  }
  const token = bearerToken(fieldValue(request, 'authorization'));
  if (token === null) return { reason: 'MissingProviderToken' };
  const verified = rules.verifier.verify(token);
  if (verified === null) return { reason: 'InvalidProviderToken' };
  const keyCheck = checkKey(verified.key, connection.firstKey, rules.environment);
  if (keyCheck !== null) return keyCheck;
  const ageCheck = checkAge(verified, connection, rules, nowMs);
  if (ageCheck !== null) return ageCheck;
  const changeCheck = checkChange(token, connection, nowMs);
  if (changeCheck !== null) return changeCheck;
  if (rules.sourceTokens?.admits(connection.source, verified.key.keyId, token, nowMs) === false) {
    return { reason: 'TooManyProviderTokenUpdates' };
  }
  connection.firstKey ??= verified.key;
  if (token !== connection.token) {
    connection.token = token;
    connection.tokenSinceMs = nowMs;
  }
  return null;
}

function bearerToken(authorization: string | null): string | null {
  const match = /^bearer +(.*)$/i.exec(authorization ?? '');
  return match === null || match[1] === '' ? null : match[1];
}

function checkKey(key: ProviderKey, first: ProviderKey | null, environment: 'production' | 'sandbox'): Check {
  if (key.environment !== undefined && key.environment !== environment) return { reason: 'BadEnvironmentKeyInToken' };
  if (first === null || first.keyId === key.keyId) return null;
  if (first.teamId !== key.teamId) return { reason: 'InvalidProviderToken' };
  // TOK: team keys go together; a topic-specific key shares a connection with its related key only.
  const areTeamKeys = first.topics === undefined && key.topics === undefined;
  const areRelated = first.relatedKeyId === key.keyId || key.relatedKeyId === first.keyId;
  return areTeamKeys || areRelated ? null : { reason: 'UnrelatedKeyIdInToken' };
}

function checkAge(
  token: VerifiedToken,
  connection: ConnectionRecord,
  rules: AuthenticationRules,
  nowMs: number,
): Check {
  if (connection.isPoisoned) return { reason: 'ExpiredProviderToken' };
  if (token.issuedAtMs > nowMs + clockAheadMaxMs) return { reason: 'InvalidProviderToken' };
  if (nowMs - token.issuedAtMs <= tokenAgeMaxMs) return null;
  connection.isPoisoned = rules.poisonsExpired;
  return { reason: 'ExpiredProviderToken' };
}

function checkChange(token: string, connection: ConnectionRecord, nowMs: number): Check {
  if (connection.token === null || connection.token === token) return null;
  return nowMs - connection.tokenSinceMs >= tokenChangeMinMs ? null : { reason: 'TooManyProviderTokenUpdates' };
}

export function checkTopic(request: PushRequest, connection: ConnectionRecord, rules: AuthenticationRules): Check {
  const topic = topicOf(request, connection);
  if (topic === null) return { reason: 'MissingTopic' };
  if (!topicSyntax.test(topic)) return { reason: 'BadTopic' };
  if (!isAllowed(topic, connection, rules)) return { reason: 'TopicDisallowed' };
  if (!rules.checksTopicSuffix) return null;
  // Which reason the real gateway gives for a topic without its push type's suffix is not documented: a guess.
  const suffix = pushTypes.get(fieldValue(request, 'apns-push-type') ?? '')?.topicSuffix ?? null;
  return suffix === null || topic === bundleIdOf(topic) + suffix ? null : { reason: 'BadTopic' };
}

/** The app of a path: broadcasts and channel calls name no topic. */
export function checkBundleId(bundleId: string, connection: ConnectionRecord, rules: AuthenticationRules): Check {
  if (!topicSyntax.test(bundleId)) return { reason: 'BadPath' };
  // BERR: usually a bundle id with the suffix of a push type.
  if (bundleIdOf(bundleId) !== bundleId) return { reason: 'TopicDisallowed' };
  return isAllowed(bundleId, connection, rules) ? null : { reason: 'TopicMismatch' };
}

/** CwA: a certificate for a single topic supplies it as the default. */
export function topicOf(request: PushRequest, connection: ConnectionRecord): string | null {
  const topic = fieldValue(request, 'apns-topic');
  if (topic !== null) return topic;
  return connection.certificate?.topics.length === 1 ? connection.certificate.topics[0] : null;
}

function isAllowed(topic: string, connection: ConnectionRecord, rules: AuthenticationRules): boolean {
  if (connection.certificate !== null) return connection.certificate.topics.includes(topic);
  const ofKey = connection.firstKey?.topics;
  if (ofKey !== undefined && !ofKey.includes(topic)) return false;
  return rules.bundleIds === null || rules.bundleIds.includes(bundleIdOf(topic));
}
