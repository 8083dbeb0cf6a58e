/** An error reply, or no reply in time (code 0: it may have happened). */
final class RpcException extends RuntimeException {
    private static final long serialVersionUID = 1;
    final long code;

    RpcException(long code, String text) {
        super(text);
        this.code = code;
    }

    /** The code of what a future failed with; -1 if that is no error reply. */
    static long code(Throwable error) {
        Throwable cause = error.getCause() != null ? error.getCause() : error;
        return cause instanceof RpcException rpc ? rpc.code : -1;
    }
}
