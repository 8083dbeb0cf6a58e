import java.util.concurrent.CompletableFuture;

/** The echo node: what it is told comes back. */
final class Main {
    public static void main(String[] args) throws InterruptedException {
        Node node = new Node();
        node.on("echo", (src, body) ->
            CompletableFuture.completedFuture(Node.body("type", "echo_ok", "echo", body.get("echo"))));
        node.run();
    }
}
