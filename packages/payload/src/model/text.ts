// Text that a person sees: written out, or named by its key in the app's strings with what fills the key's places.

export interface LocalizedText {
  readonly key: string;
  /** One for each `%@` of the string. */
  readonly args?: readonly string[];
}

/** Both at once cannot be written: which of them is shown would depend on the device. */
export type Text = string | LocalizedText;
