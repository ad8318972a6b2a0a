// Writes what a client needs to reach a simulator as files, for `--ca`, `--key`, `--cert` and the like of any sender.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { SimulatorIdentity } from './identity.ts';

export interface CredentialFiles {
  readonly ca: string;
  /** The provider key, .p8. */
  readonly key: string;
  readonly certificate: string;
  readonly certificateKey: string;
  /** keyId, teamId, topic and endpoint as JSON. */
  readonly about: string;
}

/** Owner only: senders refuse keys that others can read, and these are keys in form. */
const privateMode = 0o600;

export async function writeCredentialFiles(
  directory: string,
  identity: SimulatorIdentity,
  endpoint: string,
): Promise<CredentialFiles> {
  await mkdir(directory, { recursive: true });
  const files: CredentialFiles = {
    ca: join(directory, 'ca.pem'),
    key: join(directory, `AuthKey_${identity.keyId}.p8`),
    certificate: join(directory, 'push-certificate.pem'),
    certificateKey: join(directory, 'push-certificate-key.pem'),
    about: join(directory, 'simulator.json'),
  };
  const { keyId, teamId, topic } = identity;
  await writeFile(files.ca, identity.ca);
  await writeFile(files.key, identity.keyPem, { mode: privateMode });
  await writeFile(files.certificate, identity.push.certificatePem);
  await writeFile(files.certificateKey, identity.push.keyPem, { mode: privateMode });
  await writeFile(files.about, `${JSON.stringify({ endpoint, keyId, teamId, topic, files }, null, 2)}\n`);
  return files;
}
