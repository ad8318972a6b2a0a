// The credential files → what the engine takes. Contents never travel in errors or logs; paths do.
import { open } from 'node:fs/promises';

import type { CredentialOptions } from '@carillon/engine';

import { UsageError } from '../command-line/usage-error.ts';
import { reasonOf } from './reason-of.ts';
import type { CredentialFiles } from './send-config.ts';

/** A key that others on this machine may read; said, not refused: the machine may be the user's alone. */
export interface LooseFile {
  readonly path: string;
  /** Octal, as chmod takes it. */
  readonly mode: string;
}

export interface ReadCredential {
  readonly credential: CredentialOptions;
  readonly looseFiles: readonly LooseFile[];
}

// 1 MiB: the largest certificate chains are some 20 kB; --key /dev/zero must end, too.
const fileBytesMax = 1024 * 1024;

/** Throws `UsageError`. */
export async function readCredential(files: CredentialFiles): Promise<ReadCredential> {
  const looseFiles: LooseFile[] = [];
  const credential = await read(files, looseFiles);
  return { credential, looseFiles };
}

async function read(files: CredentialFiles, looseFiles: LooseFile[]): Promise<CredentialOptions> {
  const secret = (option: string, path: string): Promise<Buffer> => readSmallFile(option, path, looseFiles);
  switch (files.kind) {
    case 'token':
      return { kind: 'token', key: await secret('--key', files.key), keyId: files.keyId, teamId: files.teamId };
    case 'certificate':
      return {
        kind: 'certificate',
        // The certificate is public: anybody may read it.
        cert: await readSmallFile('--cert', files.cert, null),
        key: await secret('--cert-key', files.key),
        ...(await readPassphrase(files.passphrase, looseFiles)),
      };
    case 'pfx':
      return {
        kind: 'certificate',
        pfx: await secret('--pfx', files.pfx),
        ...(await readPassphrase(files.passphrase, looseFiles)),
      };
  }
}

async function readPassphrase(path: string | null, looseFiles: LooseFile[]): Promise<{ passphrase?: string }> {
  if (path === null) return {};
  const bytes = await readSmallFile('--passphrase-file', path, looseFiles);
  // Editors end a file with a newline; a passphrase has none.
  return { passphrase: bytes.toString('utf8').replace(/\r?\n$/, '') };
}

/** Throws `UsageError`. `looseFiles` null: the file is no secret. */
export async function readSmallFile(option: string, path: string, looseFiles: LooseFile[] | null): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const stat = await file.stat();
    if (looseFiles !== null && stat.isFile() && (stat.mode & 0o077) !== 0) {
      looseFiles.push({ path, mode: (stat.mode & 0o777).toString(8).padStart(4, '0') });
    }
    const bytes = Buffer.allocUnsafe(fileBytesMax + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
      length += bytesRead;
      if (length > fileBytesMax)
        throw new UsageError(`${option} ${path} has more than ${fileBytesMax} bytes: it is no key`);
      if (bytesRead === 0) break;
    }
    if (length === 0) throw new UsageError(`${option} ${path} is empty`);
    // A copy of the right size: the read buffer is a megabyte, and may come from a pool.
    return Buffer.from(bytes.subarray(0, length));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${option} cannot be read: ${withPath(path, reasonOf(error))}`, { cause: error });
  }
}

/** Node names the path when opening fails, and not when reading does. */
function withPath(path: string, reason: string): string {
  return reason.includes(path) ? reason : `${path}: ${reason}`;
}
