// How long a line may be.

/** Ours: a job with the largest payload, every byte of it escaped twice, stays below (5120 × 12 + 2 kB of fields). */
export const lineBytesMaxDefault = 65_536;
