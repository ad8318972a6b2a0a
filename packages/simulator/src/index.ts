export { createCertificateAuthority } from './certificates.ts';
export type {
  CertificateAuthority,
  IssuedCertificate,
  PushCertificateOptions,
  PushCertificateTopic,
  ServerCertificateOptions,
  Validity,
} from './certificates.ts';
export type { SimulatorStats } from './counters.ts';
export { embedGateway } from './embedded-gateway.ts';
export type { EmbeddedGateway, EmbeddedGatewayOptions, EmbeddedPeer } from './embedded-gateway.ts';
export { writeCredentialFiles } from './credential-files.ts';
export type { CredentialFiles } from './credential-files.ts';
export type {
  ConnectionAction,
  Fault,
  FaultAction,
  FaultScript,
  FaultTrigger,
  FloodKind,
  HandshakeAction,
  MalformedKind,
  ReplyAction,
  SettingsStep,
} from './faults/fault-script.ts';
export { FaultScriptError, loadFaultScript, parseFaultScript } from './faults/parse-fault-script.ts';
export { createIdentity } from './identity.ts';
export type { IdentityOptions, ServerCertificateKind, SimulatorIdentity } from './identity.ts';
export type { LedgerEntry, LedgerOptions } from './ledger.ts';
export type { Example } from './referee/docket.ts';
export type { RefereeOptions } from './referee/referee.ts';
export { formatRefereeReport } from './referee/report.ts';
export type { RefereeReport, RuleReport } from './referee/report.ts';
export { refereeLimits, refereeRules } from './referee/rules.ts';
export type { RefereeLimits, RefereeRule, RuleId } from './referee/rules.ts';
export { renderTimeline } from './timeline/draw-timeline.ts';
export type { ConnectionLine, ReplyClass, Timeline } from './timeline/timeline.ts';
export type { DeviceRateOptions } from './rules/device-rate.ts';
export type { CheckName } from './rules/judge-request.ts';
export type { ProviderKey } from './rules/provider-token.ts';
export type { ScriptedToken, TokenState } from './rules/token-store.ts';
export type { SimulatorSeams } from './open-gateway.ts';
export type { SimulatorClock, SimulatorRandom, SimulatorTimer } from './seams.ts';
export { startSimulator } from './simulator.ts';
export type { Simulator } from './simulator.ts';
export type {
  Http2Options,
  LatencyOptions,
  LoadOptions,
  RuleOptions,
  SimulatorOptions,
  TlsOptions,
} from './simulator-options.ts';
export { spawnSimulator } from './spawn.ts';
export type { SpawnedSimulator } from './spawn.ts';
export { startTcpProxy } from './tcp-proxy.ts';
export type { Direction, LaneOptions, TcpProxy, TcpProxyOptions } from './tcp-proxy.ts';
