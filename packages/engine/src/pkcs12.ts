/**
 * Opens a PKCS#12 file (.p12, .pfx) into PEM. Keychain's older exports are encrypted with RC2-40, which OpenSSL 3 no longer
 * reads; node-forge does, for RSA keys, which is what those files hold.
 */
import { createRequire } from 'node:module';
import type forge from 'node-forge';

export interface OpenedPkcs12 {
  readonly certPem: string;
  readonly keyPem: string;
}

type Forge = typeof forge;
type Pkcs12Pfx = forge.pkcs12.Pkcs12Pfx;

export type Pkcs12Fault = 'wrong-passphrase' | 'no-certificate' | 'no-key' | 'unreadable';

const require = createRequire(import.meta.url);

/** The first key and the certificate that belongs to it, followed by the rest of its chain. */
export function openPkcs12(content: Buffer, passphrase: string): OpenedPkcs12 | Pkcs12Fault {
  // Loaded here: it takes 35 ms of CPU, and most programs never open a .p12.
  const forge = require('node-forge') as Forge; // what the package's types say it is
  let bags: Pkcs12Pfx;
  try {
    bags = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(content.toString('latin1')), false, passphrase);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return /mac could not be verified|invalid password/iu.test(text) ? 'wrong-passphrase' : 'unreadable';
  }
  const key = firstKey(forge, bags);
  if (key === null) return 'no-key';
  const certificates = allCertificates(forge, bags);
  const own = certificates.findIndex((certificate) => belongsTo(certificate, key));
  if (own < 0) return 'no-certificate';
  const chain = [certificates[own], ...certificates.filter((_, index) => index !== own)].filter(
    (one) => one !== undefined,
  );
  return {
    certPem: chain.map((certificate) => forge.pki.certificateToPem(certificate)).join(''),
    keyPem: forge.pki.privateKeyToPem(key),
  };
}

function firstKey(forge: Forge, bags: Pkcs12Pfx): forge.pki.rsa.PrivateKey | null {
  const { pkcs8ShroudedKeyBag = '', keyBag = '' } = forge.pki.oids;
  for (const bagType of [pkcs8ShroudedKeyBag, keyBag]) {
    for (const bag of bags.getBags({ bagType })[bagType] ?? []) {
      if (bag.key !== undefined) return bag.key; // forge decodes RSA keys only
    }
  }
  return null;
}

function allCertificates(forge: Forge, bags: Pkcs12Pfx): forge.pki.Certificate[] {
  const { certBag = '' } = forge.pki.oids;
  return (bags.getBags({ bagType: certBag })[certBag] ?? []).flatMap(({ cert }) => (cert === undefined ? [] : [cert]));
}

function belongsTo(certificate: forge.pki.Certificate, key: forge.pki.rsa.PrivateKey): boolean {
  const publicKey = certificate.publicKey as forge.pki.rsa.PublicKey; // as above
  return publicKey.n?.equals(key.n) ?? false;
}
