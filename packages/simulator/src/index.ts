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
export { createIdentity } from './identity.ts';
export type { IdentityOptions, ServerCertificateKind, SimulatorIdentity } from './identity.ts';
export { startSimulator } from './simulator.ts';
export type { Simulator } from './simulator.ts';
export type { SimulatorOptions, TlsOptions } from './simulator-options.ts';
export { spawnSimulator } from './spawn.ts';
export type { SpawnedSimulator } from './spawn.ts';
