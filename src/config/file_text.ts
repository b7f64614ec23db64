/** Stands in a document in place of a path, once the file was read. */
export class FileText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
