// Executors, futures with a time limit, random numbers, identity hashes.
import java.io.*;
import java.util.*;
import java.util.concurrent.*;

public class Executors {
  static final long BEGAN = System.nanoTime();

  static synchronized void say(String words) {
    System.out.println(words + " " + (System.nanoTime() - BEGAN) + " " + System.currentTimeMillis());
    System.out.flush();
  }

  public static void main(String[] args) throws Exception {
    ScheduledExecutorService executor = java.util.concurrent.Executors.newScheduledThreadPool(2);
    executor.scheduleAtFixedRate(() -> say("tick " + ThreadLocalRandom.current().nextInt(1000)), 1, 1, TimeUnit.SECONDS);
    BufferedReader reader = new BufferedReader(new InputStreamReader(System.in));
    Random random = new Random();
    for (String line; (line = reader.readLine()) != null; ) {
      final String word = line;
      say("echo " + word + " " + random.nextInt(1000) + " " + UUID.randomUUID() + " " + new Object().hashCode() + Set.of("a", "b", "c"));
      executor.schedule(() -> say("later " + word), 250, TimeUnit.MILLISECONDS);
      CompletableFuture.supplyAsync(() -> "slow", CompletableFuture.delayedExecutor(5, TimeUnit.SECONDS))
          .completeOnTimeout("fast", 300, TimeUnit.MILLISECONDS).thenAccept(Executors::say);
    }
  }
}
