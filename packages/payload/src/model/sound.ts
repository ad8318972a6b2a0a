// The `sound` of `aps`: a file, or a critical alert that sounds in spite of the mute switch (Apple, Generating a remote
// notification, Table 3; the app needs an entitlement for it).

export interface CriticalSound {
  /** File in the app's bundle or in Library/Sounds, or `default`. */
  readonly name: string;
  /** 0 (silent) to 1. */
  readonly volume: number;
}

export type Sound = string | CriticalSound;

export function wireSound(sound: Sound): string | { critical: 1; name: string; volume: number } {
  return typeof sound === 'string' ? sound : { critical: 1, name: sound.name, volume: sound.volume };
}
