// What Node's file errors mean, in words; their own text repeats the call and loses the point.

const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file would become too large',
  EIO: 'the device failed',
  EPIPE: 'nobody reads it any more',
  EMFILE: 'too many files are open',
  EEXIST: 'it exists already',
};

/** The code that Node gave the error, or null. */
export function errorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** "PATH: there is no such file (ENOENT)". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = errorCode(error);
  const meaning = code === null ? undefined : meanings[code];
  if (meaning === undefined) return error.message;
  const path = 'path' in error && typeof error.path === 'string' ? `${error.path}: ` : '';
  return `${path}${meaning} (${code})`;
}
