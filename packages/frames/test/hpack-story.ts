// The form of the files in hpack-stories.
export interface Story {
  readonly cases: readonly {
    readonly seqno?: number;
    /** The decoder's setting, already acknowledged; absent or null: as it was. */
    readonly header_table_size?: number | null;
    readonly wire?: string;
    readonly headers: readonly Readonly<Record<string, string>>[];
  }[];
}
