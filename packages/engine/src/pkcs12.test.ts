import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exportPkcs12, nonsense, rsaIdentity } from '../test/openssl.ts';
import { openPkcs12 } from './pkcs12.ts';

const own = rsaIdentity();

describe('openPkcs12', () => {
  it.each([
    ['RC2-40, as Keychain used to export', ['-legacy', '-certpbe', 'PBE-SHA1-RC2-40', '-keypbe', 'PBE-SHA1-3DES']],
    ['3DES', ['-legacy', '-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES']],
    ['PBES2 with AES', ['-certpbe', 'AES-256-CBC', '-keypbe', 'AES-256-CBC', '-macalg', 'sha1']],
  ])('opens a file encrypted with %s', (_name, options) => {
    const pfx = exportPkcs12(own.certPem, own.keyPem, 'secret', options);
    if (pfx === null) return;
    const opened = openPkcs12(pfx, 'secret');
    if (typeof opened === 'string') throw new Error(opened);
    expect(new X509Certificate(opened.certPem).checkPrivateKey(createPrivateKey(opened.keyPem))).toBe(true);
    expect(openPkcs12(pfx, 'wrong')).toBe('wrong-passphrase');
    expect(openPkcs12(pfx, '')).toBe('wrong-passphrase');
  });

  it('says when there is no certificate for the key, and when there is no key', () => {
    const other = rsaIdentity();
    const withoutKey = exportPkcs12(own.certPem, own.keyPem, 'secret', ['-nokeys']);
    if (withoutKey !== null) expect(openPkcs12(withoutKey, 'secret')).toBe('no-key');
    expect(own.certPem).not.toBe(other.certPem);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['nonsense', nonsense()],
    ['a PEM file', Buffer.from(own.certPem)],
    ['the start of a sequence', Buffer.from('308201', 'hex')],
  ])('calls %s unreadable', (_name, content) => {
    expect(openPkcs12(content, 'secret')).toBe('unreadable');
  });
});
