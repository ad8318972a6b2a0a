import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';

import { describe, expect, it } from 'vitest';

import { createCertificateAuthority } from './certificates.ts';
import type { IssuedCertificate } from './certificates.ts';

const authority = createCertificateAuthority();

describe('a server certificate', () => {
  it('is issued by its authority for localhost and both loopback addresses', () => {
    const certificate = new X509Certificate(authority.issueServer().certificatePem);
    const issuer = new X509Certificate(authority.certificatePem);
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(issuer.ca).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('::1')).toBe('::1');
    expect(certificate.checkHost('gateway.invalid')).toBeUndefined();
  });

  it('matches its key and no other one', () => {
    const [one, other] = [authority.issueServer(), authority.issueServer()];
    const certificate = new X509Certificate(one.certificatePem);
    expect(certificate.serialNumber).not.toBe(new X509Certificate(other.certificatePem).serialNumber);
    expect(() => createServer({ cert: one.certificatePem, key: other.keyPem })).toThrow(/mismatch/);
  });

  it('keeps dates beyond 2049, which X.509 writes in another form', () => {
    const notAfter = new Date('2055-06-01T12:00:00Z');
    const certificate = new X509Certificate(authority.issueServer({ notAfter }).certificatePem);
    expect(new Date(certificate.validTo)).toEqual(notAfter);
  });

  it.each([
    ['good', authority.issueServer(), 'accepted'],
    ['for another name', authority.issueServer({ names: ['gateway.invalid'] }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', authority.issueServer({ notAfter: new Date(Date.now() - 1_000) }), 'CERT_HAS_EXPIRED'],
    ['not valid yet', authority.issueServer({ notBefore: new Date(Date.now() + 86_400_000) }), 'CERT_NOT_YET_VALID'],
    [
      'of another authority',
      createCertificateAuthority({ name: 'Other' }).issueServer(),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ])('that is %s is judged so by node:tls', async (_what, certificate, verdict) => {
    expect(await handshake(certificate)).toContain(verdict);
  });

  it('passes the strict checks of the openssl command, where there is one', () => {
    const directory = mkdtempSync(join(tmpdir(), 'carillon-certificates-'));
    const files = {
      ca: authority.certificatePem,
      server: authority.issueServer().certificatePem,
      push: authority.issuePush({ bundleId: 'com.example.app', teamId: 'TEAM123456' }).certificatePem,
    };
    for (const [name, pem] of Object.entries(files)) writeFileSync(join(directory, `${name}.pem`), pem);
    const verify = ['verify', '-x509_strict', '-CAfile', 'ca.pem', 'server.pem', 'push.pem'];
    try {
      expect(execFileSync('openssl', verify, { cwd: directory, encoding: 'utf8' })).toBe(
        'server.pem: OK\npush.pem: OK\n',
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      console.log('not checked with openssl: the command is not installed');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a push certificate', () => {
  it('carries the subject and topics of the one Apple issues', () => {
    const push = authority.issuePush({ bundleId: 'com.example.app', teamId: 'TEAM123456' });
    const certificate = new X509Certificate(push.certificatePem);
    expect(certificate.subject).toBe(
      'UID=com.example.app\nCN=Apple Push Services: com.example.app\nOU=TEAM123456\nC=US',
    );
    // The bytes of apns-protocol.md C.4: topic list for com.example.app.
    const topicList =
      '30640c0f636f6d2e6578616d706c652e61707030050c036170700c14636f6d2e6578616d706c652e6170702e766f697030060c04766f6970' +
      '0c1c636f6d2e6578616d706c652e6170702e636f6d706c69636174696f6e300e0c0c636f6d706c69636174696f6e';
    expect(certificate.raw.toString('hex')).toContain(topicList);
  });
});

/** 'accepted', or the code with which a client refuses. */
async function handshake(certificate: IssuedCertificate): Promise<string> {
  const server = createServer({ cert: certificate.certificatePem, key: certificate.keyPem }, (socket) => socket.end());
  server.on('tlsClientError', () => {}); // the client's refusal, seen from the other side
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca: authority.certificatePem });
  try {
    return await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve('accepted'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  } finally {
    socket.destroy();
    server.close();
  }
}
