package dev.panagrad.data.csv;

import de.siegmar.fastcsv.reader.CommentStrategy;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.NumberedColumns;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;

/** Opens the records of CSV, as a dialect has them. */
final class CsvRecords {
  private static final char BYTE_ORDER_MARK = 0xFEFF;
  private static final int BUFFER_CHARACTERS = 1 << 13;

  private CsvRecords() {}

  /** The records of a text, which is closed with them. */
  static CsvReader<CsvRecord> of(Reader text, CsvDialect dialect, char separator) {
    // Field counts are checked by who reads, so that the message has the line and both counts.
    CsvReader.CsvReaderBuilder builder =
        CsvReader.builder()
            .fieldSeparator(separator)
            .skipEmptyLines(true)
            .allowExtraFields(true)
            .allowMissingFields(true);
    if (dialect.comment() != 0) {
      builder.commentStrategy(CommentStrategy.SKIP).commentCharacter(dialect.comment());
    } else if (separator == '#') {
      builder.commentCharacter('%'); // which must be another, though there are no comments
    }
    int most = NumberedColumns.MAX_COLUMNS - 1;
    return builder.build(CsvRecordHandler.builder().maxFields(most).build(), text);
  }

  /** The characters after a byte order mark; wrong bytes of the character set end them. */
  static Reader text(Table.Source source, Charset charset) throws IOException {
    // A decoder reports wrong bytes; replacing them would make equal names of different ones.
    Reader text = new BufferedReader(new InputStreamReader(source.open(), charset.newDecoder()));
    // The parser would take one read for the whole mark, and a pipe may give less.
    text.mark(1);
    if (text.read() != BYTE_ORDER_MARK) {
      text.reset();
    }
    return text;
  }

  /** The line, from 1, in which or before which a text has bytes that are not of its charset. */
  static long wrongLine(Table.Source source, Charset charset) throws IOException {
    long line = 1;
    try (Reader in = new InputStreamReader(source.open(), charset.newDecoder())) {
      char[] buffer = new char[BUFFER_CHARACTERS];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        for (int i = 0; i < count; i++) {
          line += buffer[i] == '\n' ? 1 : 0;
        }
      }
    } catch (CharacterCodingException _) {
      return line;
    }
    return line;
  }
}
