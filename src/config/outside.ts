/** All that a configuration can take from outside its own text. */
export interface Outside {
  env(name: string): string | undefined;
  /** @throws when the file can't be read */
  readFile(path: string): string;
}
