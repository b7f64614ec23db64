/** Replaces the path of a file in a document, once the file was read. */
export class FileText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
