/**
 * Everything the engine may hold, one line per term: memory is a sum that can be read here, not a hope. Every limit
 * has its owner and says what happens when it is reached.
 */
export interface EngineLimits {
  /** Jobs admitted and not settled, over all apps. Full: `send` waits or refuses, `sendAll` and `sendBytes` stop pulling. */
  readonly jobsMax: number;
  /** … and their bytes (arenas). */
  readonly jobBytesMax: number;
  /** Receipts that a consumer has not taken yet, for one call. Full: that call stops pulling its source. */
  readonly receiptsMax: number;
  /** Lines are prepared in batches of about this many bytes. */
  readonly batchBytes: number;
  /** Batches in preparation in worker threads, over all calls. Full: the calls stop pulling their sources. */
  readonly preparingMax: number;
  /** … and the bytes of their lines. The prepared batches take a quarter more. */
  readonly preparingBytesMax: number;
  /** Device tokens that rest after 429. Full: the one that has rested longest is forgotten. */
  readonly restingDevicesMax: number;
  /** Device tokens that are remembered as gone (410). Full: the one known longest is forgotten, and APNs asked again. */
  readonly deadDevicesMax: number;
  /** Device tokens that are suspect (BadDeviceToken, DeviceTokenNotForTopic). Full: the one noted first travels with the others again. */
  readonly suspectDevicesMax: number;
  /** Device tokens that a sandbox accepted whose app is in production too, for hints. Full: the one noted first gives no hint. */
  readonly sandboxDevicesMax: number;
  /** Device tokens whose rate is watched (`perDevicePerSecond`). Full: the one that got or waited longest ago is forgotten. */
  readonly pacedDevicesMax: number;
  /** Topics × push types × priorities that one credential sends; each has a header template on each connection. */
  readonly headsMax: number;
}

export const defaultLimits: EngineLimits = {
  // 20,000: some 14 MB with their arenas, and five times what four connections have on the wire. With
  // 50,000, ten million jobs took 25 MB more of resident memory (bench memory).
  jobsMax: 20_000,
  // 64 MiB: 20,000 jobs of 3.3 kB. Larger jobs reach this first.
  jobBytesMax: 64 * 1024 * 1024,
  // 10,000 receipts of about 600 bytes: 6 MB.
  receiptsMax: 10_000,
  // 64 KiB: some 170 jobs; larger batches gain nothing (docs/BENCHMARKS.md) and make latency lumpier.
  batchBytes: 64 * 1024,
  // 16: eight for each of two threads, four for each of four; 1 MiB of 64 KiB each.
  preparingMax: 16,
  // 2 MiB: batches of long lines reach this first.
  preparingBytesMax: 2 * 1024 * 1024,
  // 10,000 and 100,000 entries of about 250 bytes: 2.5 MB and 25 MB.
  restingDevicesMax: 10_000,
  deadDevicesMax: 100_000,
  // 100,000 entries of about 250 bytes: 25 MB.
  suspectDevicesMax: 100_000,
  // 10,000: more devices than anybody has for development; 2.5 MB, and only with an app in both environments.
  sandboxDevicesMax: 10_000,
  // 100,000 entries of about 250 bytes: 25 MB, and only with `perDevicePerSecond`.
  pacedDevicesMax: 100_000,
  // 10,000: a template is about 600 bytes on each connection.
  headsMax: 10_000,
};
