/** What a redeploy loads anew; it holds a table of its own. */
public final class Plugin {
  private static final byte[] TABLE = new byte[1280 * 1024];

  private Plugin() {}

  public static int size() {
    for (int i = 0; i < TABLE.length; i += 1024) {
      TABLE[i] = 1;
    }
    return TABLE.length;
  }
}
