// The part of cli-progress that we use; the package brings no types.
declare module 'cli-progress' {
  export interface BarStream {
    readonly isTTY: boolean;
    readonly columns: number;
    write(text: string): boolean;
  }
  export interface BarOptions {
    readonly format: string;
    readonly stream: BarStream;
    readonly fps?: number;
    readonly barsize?: number;
    readonly hideCursor?: boolean;
    readonly clearOnComplete?: boolean;
    readonly etaBuffer?: number;
    readonly linewrap?: boolean | null;
    readonly gracefulExit?: boolean;
  }
  export class SingleBar {
    constructor(options: BarOptions);
    start(total: number, startValue: number, payload?: Readonly<Record<string, string | number>>): void;
    update(current: number, payload?: Readonly<Record<string, string | number>>): void;
    setTotal(total: number): void;
    stop(): void;
  }
}
